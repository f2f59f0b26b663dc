"""What is done with the pictures that are selected."""
