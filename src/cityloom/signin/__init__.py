"""Who signs in to a city: accounts, sessions, tokens, and what a directory elsewhere says."""
