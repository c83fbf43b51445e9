"""Geography: coordinate reference systems, H3 cells, bounding boxes and spatial joins."""

from cityloom.geo.join import Predicate, Way, assign, spatial_join
from cityloom.geo.layer import Layer

__all__ = ["Layer", "Predicate", "Way", "assign", "spatial_join"]
