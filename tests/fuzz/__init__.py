"""Hostile deliveries: whatever comes, a city receives it with an account or refuses it in words."""
