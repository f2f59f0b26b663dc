"""Reads and encodes pictures: the backlog, the indexing thread, and when it must hold back."""
