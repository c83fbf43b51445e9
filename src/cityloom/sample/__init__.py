"""A sample city of any size: contracts, dirty deliveries, and the truth kept apart."""

from cityloom.sample.make import SampleSummary, add_delivery, make_sample

__all__ = ["SampleSummary", "add_delivery", "make_sample"]
