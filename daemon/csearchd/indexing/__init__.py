"""From files that need reading to committed rows: the backlog, the indexing thread, the power
policy."""
