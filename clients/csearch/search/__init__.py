"""csearch: the search command."""
