"""What is done to pictures that Pillow alone doesn't decode, or not as viewers do."""
