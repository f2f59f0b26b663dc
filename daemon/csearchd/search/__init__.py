"""The answer to a search."""
