"""What the kernel gives and limits: files, mounts, processors, memory, child processes,
sandboxing."""
