"""The pictures that were found, and their thumbnails."""
