"""File systems by lasting names, and what becomes of files when a disk is unmounted or mounted."""
