"""csearch --demo: photos that come with csearch, and a search service for them alone."""
