"""EXIF, IPTC, XMP, sidecars, attributes and names, read into one record; editing XMP in place."""
