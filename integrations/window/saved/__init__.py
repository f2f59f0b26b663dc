"""Saved searches: queries with names, listed beside the pictures."""
