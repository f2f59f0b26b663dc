"""What is searched for: words, pictures, a place; and how it comes into the window."""
