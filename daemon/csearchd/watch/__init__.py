"""Follows changes on the disk: inotify, polling, scans, and what they change in the library.

scanner.py is the thread, and what others call; watcher.py tells it what to list or scan, and when.
"""
