"""Pictures in the terminal, and contact sheets.

Nothing here decodes a picture: a process of the service's environment does
(csearchd.encode.thumbnails, csearchd.encode.sheet).
"""
