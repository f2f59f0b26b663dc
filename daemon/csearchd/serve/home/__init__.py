"""The operation `home`: what a window shows before anything is asked."""
