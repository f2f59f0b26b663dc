"""Saved searches: the operations on them, and the folders that hold what they find."""
