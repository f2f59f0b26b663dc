"""The tables of the index of words, and the triggers that note what has changed.

The triggers have no tokenizer: they note entries, which csearchd.library.words.index writes before
the transaction ends. They don't use INSERT OR IGNORE (csearchd.library.schema).
"""

from __future__ import annotations

from csearchd.library.words.sources import SOURCES, Source

TABLES = """
    CREATE VIRTUAL TABLE words USING fts5(
        text, tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"
    );
    CREATE TABLE vocabulary (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
    CREATE VIRTUAL TABLE word_parts USING fts5(
        word, content = 'vocabulary', content_rowid = 'id', tokenize = 'trigram'
    );
"""

FILL = "DELETE FROM words_backlog;" + "".join(
    f"INSERT INTO words_backlog SELECT {kind.id} * 16 + {int(source)} FROM {kind.table} "
    f"WHERE {kind.text} IS NOT NULL AND {kind.text} <> '';"
    for source, kind in SOURCES.items()
)
"""Notes all entries, so that they are written in the background."""


def _note(entry: str, condition: str = "1") -> str:
    return (
        f"INSERT INTO words_due SELECT {entry} WHERE {condition} "
        f"AND NOT EXISTS (SELECT 1 FROM words_due WHERE entry = {entry});"
    )


def _triggers(source: Source) -> str:
    table, id_, text = SOURCES[source]
    new, old = (f"{row}.{id_} * 16 + {int(source)}" for row in ("new", "old"))
    # A row that replaces another fires no trigger for that one.
    if_known = f"(new.{text} IS NOT NULL OR EXISTS (SELECT 1 FROM words WHERE rowid = {new}))"
    return f"""
    CREATE TRIGGER {table}_{text}_added AFTER INSERT ON {table} BEGIN
        {_note(new, if_known)}
    END;
    CREATE TRIGGER {table}_{text}_changed AFTER UPDATE OF {text} ON {table}
    WHEN old.{text} IS NOT new.{text} BEGIN
        {_note(new)}
    END;
    CREATE TRIGGER {table}_{text}_removed AFTER DELETE ON {table} WHEN old.{text} IS NOT NULL BEGIN
        {_note(old)}
    END;
    """


MIGRATION = f"""
    {TABLES}
    CREATE TABLE words_due (entry INTEGER PRIMARY KEY);
    CREATE TABLE words_backlog (entry INTEGER PRIMARY KEY);
    {"".join(map(_triggers, SOURCES))}
    {FILL}
"""
