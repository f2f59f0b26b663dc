"""csearchctl: one file a subcommand."""
