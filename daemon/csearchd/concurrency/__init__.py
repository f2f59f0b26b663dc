"""Background tasks and threads of the service, and what bounds them."""
