"""Answers searches: the query language, filters, ranking and explanations."""
