"""Kills, full disks, second writers and damaged files: what is left must be one truth."""
