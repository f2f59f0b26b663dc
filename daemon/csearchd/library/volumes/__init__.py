"""File systems that come and go, and the entries of those that are not mounted."""
