"""Other devices than the CPU: which of them compute the image tower, and which were left again."""
