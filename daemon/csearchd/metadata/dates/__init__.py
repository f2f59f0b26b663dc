"""Dates as metadata and file names state them, and which of them is a picture's."""
