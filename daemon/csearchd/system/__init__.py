"""Interfaces of the kernel: files, mounts, processors, memory, limits, child processes,
Landlock."""
