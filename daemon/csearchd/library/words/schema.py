"""The tables of the index of words, and the triggers that note what has changed.

The triggers have no tokenizer: they note entries, which csearchd.library.words.index writes before
the transaction ends. They don't use INSERT OR IGNORE (csearchd.library.schema).
"""

from __future__ import annotations

from csearchd.library.words.sources import SOURCES

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

MIGRATION = """
    CREATE VIRTUAL TABLE words USING fts5(
        text, tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"
    );
    CREATE TABLE vocabulary (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
    CREATE VIRTUAL TABLE word_parts USING fts5(
        word, content = 'vocabulary', content_rowid = 'id', tokenize = 'trigram'
    );
    CREATE TABLE words_due (entry INTEGER PRIMARY KEY);
    CREATE TABLE words_backlog (entry INTEGER PRIMARY KEY);
    CREATE TRIGGER files_name_added AFTER INSERT ON files BEGIN
        INSERT INTO words_due SELECT new.id * 16 + 0
        WHERE (new.name IS NOT NULL OR EXISTS (SELECT 1 FROM words WHERE rowid = new.id * 16 + 0))
        AND NOT EXISTS (SELECT 1 FROM words_due WHERE entry = new.id * 16 + 0);
    END;
    CREATE TRIGGER files_name_changed AFTER UPDATE OF name ON files
    WHEN old.name IS NOT new.name BEGIN
        INSERT INTO words_due SELECT new.id * 16 + 0
        WHERE NOT EXISTS (SELECT 1 FROM words_due WHERE entry = new.id * 16 + 0);
    END;
    CREATE TRIGGER files_name_removed AFTER DELETE ON files
    WHEN old.name IS NOT NULL BEGIN
        INSERT INTO words_due SELECT old.id * 16 + 0
        WHERE NOT EXISTS (SELECT 1 FROM words_due WHERE entry = old.id * 16 + 0);
    END;
    CREATE TRIGGER directories_name_added AFTER INSERT ON directories BEGIN
        INSERT INTO words_due SELECT new.id * 16 + 1
        WHERE (new.name IS NOT NULL OR EXISTS (SELECT 1 FROM words WHERE rowid = new.id * 16 + 1))
        AND NOT EXISTS (SELECT 1 FROM words_due WHERE entry = new.id * 16 + 1);
    END;
    CREATE TRIGGER directories_name_changed AFTER UPDATE OF name ON directories
    WHEN old.name IS NOT new.name BEGIN
        INSERT INTO words_due SELECT new.id * 16 + 1
        WHERE NOT EXISTS (SELECT 1 FROM words_due WHERE entry = new.id * 16 + 1);
    END;
    CREATE TRIGGER directories_name_removed AFTER DELETE ON directories
    WHEN old.name IS NOT NULL BEGIN
        INSERT INTO words_due SELECT old.id * 16 + 1
        WHERE NOT EXISTS (SELECT 1 FROM words_due WHERE entry = old.id * 16 + 1);
    END;
    CREATE TRIGGER keywords_text_added AFTER INSERT ON keywords BEGIN
        INSERT INTO words_due SELECT new.id * 16 + 2
        WHERE (new.text IS NOT NULL OR EXISTS (SELECT 1 FROM words WHERE rowid = new.id * 16 + 2))
        AND NOT EXISTS (SELECT 1 FROM words_due WHERE entry = new.id * 16 + 2);
    END;
    CREATE TRIGGER keywords_text_changed AFTER UPDATE OF text ON keywords
    WHEN old.text IS NOT new.text BEGIN
        INSERT INTO words_due SELECT new.id * 16 + 2
        WHERE NOT EXISTS (SELECT 1 FROM words_due WHERE entry = new.id * 16 + 2);
    END;
    CREATE TRIGGER keywords_text_removed AFTER DELETE ON keywords
    WHEN old.text IS NOT NULL BEGIN
        INSERT INTO words_due SELECT old.id * 16 + 2
        WHERE NOT EXISTS (SELECT 1 FROM words_due WHERE entry = old.id * 16 + 2);
    END;
    CREATE TRIGGER people_text_added AFTER INSERT ON people BEGIN
        INSERT INTO words_due SELECT new.id * 16 + 3
        WHERE (new.text IS NOT NULL OR EXISTS (SELECT 1 FROM words WHERE rowid = new.id * 16 + 3))
        AND NOT EXISTS (SELECT 1 FROM words_due WHERE entry = new.id * 16 + 3);
    END;
    CREATE TRIGGER people_text_changed AFTER UPDATE OF text ON people
    WHEN old.text IS NOT new.text BEGIN
        INSERT INTO words_due SELECT new.id * 16 + 3
        WHERE NOT EXISTS (SELECT 1 FROM words_due WHERE entry = new.id * 16 + 3);
    END;
    CREATE TRIGGER people_text_removed AFTER DELETE ON people
    WHEN old.text IS NOT NULL BEGIN
        INSERT INTO words_due SELECT old.id * 16 + 3
        WHERE NOT EXISTS (SELECT 1 FROM words_due WHERE entry = old.id * 16 + 3);
    END;
    CREATE TRIGGER metadata_title_added AFTER INSERT ON metadata BEGIN
        INSERT INTO words_due SELECT new.file * 16 + 4
        WHERE (new.title IS NOT NULL
            OR EXISTS (SELECT 1 FROM words WHERE rowid = new.file * 16 + 4))
        AND NOT EXISTS (SELECT 1 FROM words_due WHERE entry = new.file * 16 + 4);
    END;
    CREATE TRIGGER metadata_title_changed AFTER UPDATE OF title ON metadata
    WHEN old.title IS NOT new.title BEGIN
        INSERT INTO words_due SELECT new.file * 16 + 4
        WHERE NOT EXISTS (SELECT 1 FROM words_due WHERE entry = new.file * 16 + 4);
    END;
    CREATE TRIGGER metadata_title_removed AFTER DELETE ON metadata
    WHEN old.title IS NOT NULL BEGIN
        INSERT INTO words_due SELECT old.file * 16 + 4
        WHERE NOT EXISTS (SELECT 1 FROM words_due WHERE entry = old.file * 16 + 4);
    END;
    CREATE TRIGGER metadata_description_added AFTER INSERT ON metadata BEGIN
        INSERT INTO words_due SELECT new.file * 16 + 5
        WHERE (new.description IS NOT NULL
            OR EXISTS (SELECT 1 FROM words WHERE rowid = new.file * 16 + 5))
        AND NOT EXISTS (SELECT 1 FROM words_due WHERE entry = new.file * 16 + 5);
    END;
    CREATE TRIGGER metadata_description_changed AFTER UPDATE OF description ON metadata
    WHEN old.description IS NOT new.description BEGIN
        INSERT INTO words_due SELECT new.file * 16 + 5
        WHERE NOT EXISTS (SELECT 1 FROM words_due WHERE entry = new.file * 16 + 5);
    END;
    CREATE TRIGGER metadata_description_removed AFTER DELETE ON metadata
    WHEN old.description IS NOT NULL BEGIN
        INSERT INTO words_due SELECT old.file * 16 + 5
        WHERE NOT EXISTS (SELECT 1 FROM words_due WHERE entry = old.file * 16 + 5);
    END;
    INSERT INTO words_backlog SELECT id * 16 + 0 FROM files
        WHERE name IS NOT NULL AND name <> '';
    INSERT INTO words_backlog SELECT id * 16 + 1 FROM directories
        WHERE name IS NOT NULL AND name <> '';
    INSERT INTO words_backlog SELECT id * 16 + 2 FROM keywords
        WHERE text IS NOT NULL AND text <> '';
    INSERT INTO words_backlog SELECT id * 16 + 3 FROM people
        WHERE text IS NOT NULL AND text <> '';
    INSERT INTO words_backlog SELECT file * 16 + 4 FROM metadata
        WHERE title IS NOT NULL AND title <> '';
    INSERT INTO words_backlog SELECT file * 16 + 5 FROM metadata
        WHERE description IS NOT NULL AND description <> '';
"""
"""What made the index, with the sources that there were. It is history, and stays as it is: another
source brings its triggers, and its entries of `words_backlog`, in a migration of its own."""
