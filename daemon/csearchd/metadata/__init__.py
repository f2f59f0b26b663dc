"""EXIF, IPTC, XMP and sidecars, read into one record; and editing XMP in place."""
