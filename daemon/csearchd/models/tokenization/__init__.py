"""Tokenizers of published models, in little memory: text cleaning, models of words in a mapped
file, and how that file is made from a published `tokenizer.json`."""
