"""The ledger: who asked for which data, why, and what they got, in a chain of hashes."""

from cityloom.ledger.chain import Ledger
from cityloom.ledger.entry import Entry, Recorded, delay
from cityloom.ledger.head import Head, Published
from cityloom.ledger.search import Query

__all__ = ["Entry", "Head", "Ledger", "Published", "Query", "Recorded", "delay"]
