"""Tags: the ledger of what was written, what is to be written, and the process that writes it."""
