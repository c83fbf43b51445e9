"""The modules that come with cityloom; each is found through its entry point."""
