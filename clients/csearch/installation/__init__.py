"""What `csearchctl install` puts where, and how it is taken away again."""
