"""Finding pictures by words in their names, folders, keywords, titles, descriptions and people."""
