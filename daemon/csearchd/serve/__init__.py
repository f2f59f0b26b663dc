"""How the daemon is reached: the socket and its operations, systemd."""
