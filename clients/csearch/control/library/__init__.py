"""Subcommands of csearchctl about what is in the library."""
