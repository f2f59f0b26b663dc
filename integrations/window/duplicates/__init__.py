"""Copies, nearly the same and bursts side by side, and what of them is not wanted."""
