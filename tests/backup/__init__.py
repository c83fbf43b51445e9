"""Backup, restore and upgrade: a city comes back whole, and the erased do not."""
