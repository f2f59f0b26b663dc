"""csearchctl: a module for each subcommand."""
