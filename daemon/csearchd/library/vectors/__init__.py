"""Vectors in memory: a model's table, and its code file in the cache with checksums."""
