"""Background tasks and threads of the service, and their limits."""
