"""The console: a served city, to be read in a browser, as JSON and as CSV."""
