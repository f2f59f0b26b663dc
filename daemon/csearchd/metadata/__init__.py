"""EXIF, IPTC, XMP, sidecars and extended attributes, read into one record; editing XMP in place."""
