"""What is stored of files' metadata: for filters, in memory, and for showing it."""
