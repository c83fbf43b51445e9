"""cityloom: weave a city's separate systems into one."""
