"""Vector tiles of a city's datasets: one PMTiles archive for each dataset with a geometry."""
