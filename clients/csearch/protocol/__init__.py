"""What clients and the service share: the wire format, the socket address, safe text for
terminals."""
