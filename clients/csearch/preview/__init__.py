"""Pictures in the terminal, and contact sheets.

Nothing here decodes a picture: a process of the service's environment does
(csearchd.previews.thumbnails, csearchd.previews.contact_sheet).
"""
