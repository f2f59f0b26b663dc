"""What changed on the disk: the scan, and the part that joins it with library and encoder."""
