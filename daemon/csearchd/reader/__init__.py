"""Reads the words in pictures, in a process of its own."""
