"""The query language: grammar, dates, and the vector of a query."""
