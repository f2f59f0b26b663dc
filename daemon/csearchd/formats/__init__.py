"""One module per container format: where the coded picture and its metadata are in the bytes.

Each serves the picture's identity, the reading of metadata and the tagger: jpeg, png, webp, tiff,
heif (HEIC and AVIF, on isobmff, which JPEG 2000 uses too), gif, raw. Nothing here decodes pixels.
"""
