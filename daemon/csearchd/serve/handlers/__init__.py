"""The handlers of the protocol's operations, one module for each group."""
