"""Backups: a city as it was at one moment, encrypted, in a folder elsewhere; and back again."""
