"""The query language: its grammar, its dates, and the vector that a query is searched with."""
