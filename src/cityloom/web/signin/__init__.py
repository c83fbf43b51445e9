"""Signing in at the console: who asks, with which cookies, by which forms and pages."""
