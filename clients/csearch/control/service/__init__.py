"""Subcommands of csearchctl that control the running service."""
