"""Texts in metadata: their character sets, keywords, and what no person wrote."""
