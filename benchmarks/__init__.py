"""Benchmarks: one question a file, each prints its table against named peers."""
