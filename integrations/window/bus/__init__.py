"""What the window asks the service over the session bus, and what the service says."""
