"""Removes what is known of pictures, in steps that are short, since others write in between."""
