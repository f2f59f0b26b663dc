"""Saved searches: what the user has given a name, to ask it again."""
