"""The tables of saved searches."""

from __future__ import annotations

MIGRATION = """
    CREATE TABLE saved_searches (
        id INTEGER PRIMARY KEY,
        name BLOB NOT NULL UNIQUE,
        query TEXT NOT NULL,
        top INTEGER,
        sort TEXT,
        min_confidence TEXT
    );
    CREATE TABLE saved_scopes (
        search INTEGER NOT NULL REFERENCES saved_searches(id) ON DELETE CASCADE,
        path BLOB NOT NULL,
        PRIMARY KEY (search, path)
    ) WITHOUT ROWID;
    CREATE TABLE saved_pictures (
        search INTEGER NOT NULL REFERENCES saved_searches(id) ON DELETE CASCADE,
        start INTEGER NOT NULL,
        stop INTEGER NOT NULL,
        path BLOB NOT NULL,
        PRIMARY KEY (search, start)
    ) WITHOUT ROWID;
"""
