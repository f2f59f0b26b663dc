"""The three carriers of tags: extended attributes, sidecars, and the pictures themselves."""
