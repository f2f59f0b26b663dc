"""How clients reach the daemon: the socket, its operations, and what systemd is told."""
