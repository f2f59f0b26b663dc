"""People whom other programs have named in pictures, and where they are in them."""
