"""Signatures: small pictures of pictures, by which copies are told from what only looks alike.

The encoder makes them beside the vectors; they are kept with the contents, whatever the model.
"""
