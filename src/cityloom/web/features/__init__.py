"""OGC API – Features, Part 1: the datasets with a geometry, for GIS and web clients.

https://docs.ogc.org/is/17-069r4/17-069r4.html
"""
