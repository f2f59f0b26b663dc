"""csearch finds a photo by a description. This package has the clients of the search daemon."""

__version__ = "0.1.0"
