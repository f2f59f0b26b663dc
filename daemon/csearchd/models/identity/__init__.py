"""What tells whether a model's files are as they were, and whether two models see alike."""
