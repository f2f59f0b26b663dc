"""What stands in place of the pictures."""
