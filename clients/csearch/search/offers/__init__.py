"""What a search on a terminal offers besides its results, once."""
