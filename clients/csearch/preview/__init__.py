"""Pictures in the terminal, contact sheets, and opening results.

Pictures are decoded by programs of the service, csearchd.previews.thumbnails and
csearchd.previews.contact_sheet, which run as processes of their own.
"""
