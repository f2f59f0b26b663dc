"""Subcommands of csearchctl that change or list what is in the library."""
