"""One module per container format: where the coded picture and its metadata lie in the bytes."""
