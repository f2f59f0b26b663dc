"""The operations of the protocol, one module for each group."""
