"""csearch: find a photo by describing it. The thin clients of the search daemon."""

__version__ = "0.1.0"
