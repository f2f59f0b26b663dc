"""File systems whose server, or program, may be slow, dear or gone.

remote_mounts.py says what of them is read, polling.py when; calls.py asks them, with time limits.
"""
