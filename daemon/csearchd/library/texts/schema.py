"""The tables of words in pictures, and the triggers that keep their index.

`words` has the words of all lines as csearchd.library.texts.tokens has them, so that the tokenizers
of SQLite suffice, and triggers can keep the index, whoever deletes a row.
"""

from __future__ import annotations

MIGRATION = """
    CREATE TABLE recognisers (id INTEGER PRIMARY KEY, version TEXT NOT NULL UNIQUE);
    CREATE TABLE texts (
        content INTEGER PRIMARY KEY REFERENCES contents(id) ON DELETE CASCADE,
        recogniser INTEGER REFERENCES recognisers(id),
        state INTEGER NOT NULL,
        failure TEXT,
        words TEXT NOT NULL DEFAULT '',
        lines BLOB
    );
    CREATE INDEX texts_state ON texts(recogniser, state, content);
    CREATE VIRTUAL TABLE text_words USING fts5(
        words, content = 'texts', content_rowid = 'content',
        tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"
    );
    CREATE TRIGGER texts_added AFTER INSERT ON texts WHEN new.words <> '' BEGIN
        INSERT INTO text_words (rowid, words) VALUES (new.content, new.words);
    END;
    CREATE TRIGGER texts_removed AFTER DELETE ON texts WHEN old.words <> '' BEGIN
        INSERT INTO text_words (text_words, rowid, words) VALUES ('delete', old.content, old.words);
    END;
    CREATE TRIGGER texts_changed AFTER UPDATE OF words ON texts WHEN old.words <> new.words BEGIN
        INSERT INTO text_words (text_words, rowid, words)
            SELECT 'delete', old.content, old.words WHERE old.words <> '';
        INSERT INTO text_words (rowid, words) SELECT new.content, new.words WHERE new.words <> '';
    END;

    CREATE TABLE text_vocabulary (
        id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE, skeleton TEXT NOT NULL
    );
    CREATE VIRTUAL TABLE text_parts USING fts5(
        skeleton, content = 'text_vocabulary', content_rowid = 'id', tokenize = 'trigram'
    );
    CREATE TRIGGER text_vocabulary_added AFTER INSERT ON text_vocabulary BEGIN
        INSERT INTO text_parts (rowid, skeleton) VALUES (new.id, new.skeleton);
    END;
    CREATE TRIGGER text_vocabulary_removed AFTER DELETE ON text_vocabulary BEGIN
        INSERT INTO text_parts (text_parts, rowid, skeleton)
            VALUES ('delete', old.id, old.skeleton);
    END;
"""

REPAIR = (
    "DROP TABLE text_words",
    "DROP TABLE text_parts",
    """
    CREATE VIRTUAL TABLE text_words USING fts5(
        words, content = 'texts', content_rowid = 'content',
        tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"
    )
    """,
    """
    CREATE VIRTUAL TABLE text_parts USING fts5(
        skeleton, content = 'text_vocabulary', content_rowid = 'id', tokenize = 'trigram'
    )
    """,
    "INSERT INTO text_words (text_words) VALUES ('rebuild')",
    "INSERT INTO text_parts (text_parts) VALUES ('rebuild')",
)
"""Makes both indexes anew."""
