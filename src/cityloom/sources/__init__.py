"""Sources: what a city pulls from, each stated in ``city.toml`` and feeding one dataset."""
