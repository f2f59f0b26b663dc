"""The window's menu: preferences, shortcuts, help and what the program is."""
