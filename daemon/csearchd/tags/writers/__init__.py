"""The three carriers of words: extended attributes, sidecars, and the pictures themselves."""
