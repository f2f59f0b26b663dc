"""Finds the tags to be taken back, also in files that have been moved or copied since."""
