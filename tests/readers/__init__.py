"""What each reader gives, and what it refuses."""
