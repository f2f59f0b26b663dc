"""The index of words in names, keywords, titles and descriptions."""
