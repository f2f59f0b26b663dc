"""What is not read unless it is asked for: other programs' directories, what the user ignores,
snapshots, and directories that are reached by another path, too."""
