"""The process that reads, identifies, decodes and encodes pictures, and its pool in the daemon."""
