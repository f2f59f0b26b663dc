"""Interfaces of the kernel: files, mounts, processors, memory, limits, processes, Landlock."""
