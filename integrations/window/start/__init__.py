"""What the window shows before anything is asked: the first run, and where to begin."""
