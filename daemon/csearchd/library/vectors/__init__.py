"""Vectors in memory: the table of a model, its code file in the cache, and the checksums of
that."""
