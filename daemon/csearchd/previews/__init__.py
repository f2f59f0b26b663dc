"""Thumbnails and contact sheets, made by processes of their own, since decoders may crash."""
