"""The database's schema: one SQL script for each version, applied in order.

directories  the tree from "/" (id 1, no parent): a row for each directory that was listed, and for
             those above it; `name` is one component. `listing`: a digest of the entries at the last
             comparison. `covered`: when everything below was last scanned, in seconds since 1970.
             `absent`: since when its disk is unmounted; then the row isn't in memory, and the
             topmost directory of the disk has no parent.
forgotten    directories that were put aside to be deleted (library.removal), which are `absent`,
             have no parent and are on no disk. `path`: where they were, with "/" at the end.
disks        the place of a root, or of a mount below one, on its disk: the name of the file system
             (library.volumes) and the path inside it. `path`: where it was last mounted.
files        a picture file: its name, and its stat when it was last listed or read. `due`: it must
             be read. `failure`: why it can't be read. `paired`: it is camera raw, and a JPEG beside
             it stands for both; such a file isn't in memory. `sidecars`: a digest of the stats of
             its sidecars, and of a raw file's JPEGs; 0 without any, −1 where they must be compared.
             `inode` finds the other hard links of a changed file. `mtime_ns` and `ctime_ns`:
             system.files.stored_time.
contents     what determines a picture's pixels: an identity, and the number of the scheme that made
             it. `failure`: why it can't be decoded. `incomplete`: its file lacks a part of it.
             `orphaned`: since when no file has it (library.clock). `signed`: its signature has been
             made, or can't be.
signatures   a content's small picture, by which copies are told (library.signatures.form).
vectors      a model's vector of a content: float16, little-endian. `passes` counts the encodings.
models       the models that have vectors. `gone`: since when none with the fingerprint is installed
             (library.clock). `also`: further fingerprints of models that give the same vectors,
             separated by blanks.
metadata     a file's metadata from EXIF, XMP, IPTC, its sidecars, its name and its extended
             attributes, as csearchd.metadata.record describes them. `taken` may be a year, month or
             day alone; `date_source` tells where it is from, `date_doubtful` is 1 for one that a
             camera may have invented, `favourite` is 1 or NULL. `outdated`: an older version, which
             read less, has read it; it is read again when there is nothing else to do.
keywords     each spelling of a keyword; `file_keywords` maps files to them.
people       each spelling of a name of somebody whom other programs have named; `file_people` maps
             files to them. `x`, `y`, `width`, `height`: where they are (metadata.people.regions).
tag_folders  directories that are kept tagged, by path: they stay so while they don't exist. `inode`
             and `born` (system.inode_identity) identify a directory that was renamed.
tag_ledger   what csearch wrote for a file, a row for each carrier (xattr, sidecar, embedded).
             `words`, `removed` and `given` are JSON; `digest` and `original` are described in
             tags.record; `intended` is a write under way (msgpack). A row outlives its file, which
             may come back, or appear elsewhere: `scheme` and `identity` are those of the tagged
             content.
tag_visits   the content, and the edition of model and vocabulary, for which a file was last tagged
             in a mode, so that it isn't due again. `failure`: why it was left alone.
concepts     concepts that the user has taught. `concept_examples`: their pictures; `counter` is 1
             for a counterexample. Contents of examples are kept even without a file.
words        the index of words (library.words): an entry for each name of a file or directory,
             keyword, name of a person, title and description, with its words as
             library.words.tokens has them. Its rowid is 16 × the id of the file, directory, keyword
             or person + the kind of the source (library.words.sources). `word_parts` finds the
             words of `vocabulary` by parts of them. `words_due`: entries whose sources have
             changed, noted by triggers; `words_backlog`: the same of what was there before the
             index was.
texts        what was recognised in a content (library.texts): `state` and `recogniser` (NULL: to be
             read again) say by whom, `failure` why not. `lines`: with their places
             (library.texts.packing); `words` as library.texts.tokens has them, which `text_words`
             indexes. `text_parts` finds the words of `text_vocabulary` by parts of their skeletons.
recognisers  versions of the recogniser.
saved_searches
             queries that the user has given a name, which is a file's. `saved_scopes`: directories
             to search below; none for everywhere. `saved_pictures`: pictures in the query, from the
             character `start` to before `stop`.
derived      by name, the token of a file in the cache (library.cache_token), which tells from which
             state of the library it was derived.
changed_vectors, changed_files
             what has changed since then, recorded by triggers. (They don't use INSERT OR IGNORE: an
             upsert that fires a trigger overrides its OR clauses.)
"""

from __future__ import annotations

from csearchd.library.saved import schema as saved
from csearchd.library.texts import schema as texts
from csearchd.library.words import schema as words

APPLICATION_ID = 0x43534831  # "CSH1", in the file's header (SQLite file format, section 1.3)

# What failed is tried again, on a disk that is away once it is back.
_RETRY = """
    UPDATE directories SET listing = x'' WHERE absent IS NOT NULL AND id IN (SELECT f.directory
        FROM files f JOIN contents c ON c.id = f.content WHERE c.failure IS NOT NULL);
    UPDATE files SET size = -1 WHERE content IN (SELECT id FROM contents WHERE failure IS NOT NULL)
        AND directory IN (SELECT id FROM directories WHERE absent IS NOT NULL);
    UPDATE files SET due = 1, failure = NULL WHERE (failure IS NOT NULL
        OR content IN (SELECT id FROM contents WHERE failure IS NOT NULL))
        AND directory NOT IN (SELECT id FROM directories WHERE absent IS NOT NULL);
    UPDATE contents SET failure = NULL WHERE failure IS NOT NULL;
"""

MIGRATIONS = (
    """
    CREATE TABLE directories (
        id INTEGER PRIMARY KEY,
        parent INTEGER REFERENCES directories(id),
        name BLOB NOT NULL,
        listing BLOB,
        covered INTEGER,
        failure TEXT,
        UNIQUE (parent, name)
    );
    INSERT INTO directories (id, parent, name) VALUES (1, NULL, x'');

    CREATE TABLE roots (
        directory INTEGER PRIMARY KEY REFERENCES directories(id),
        added INTEGER NOT NULL
    );

    CREATE TABLE contents (
        id INTEGER PRIMARY KEY,
        scheme INTEGER NOT NULL,
        identity BLOB NOT NULL,
        format TEXT,
        width INTEGER,
        height INTEGER,
        failure TEXT,
        orphaned INTEGER,
        UNIQUE (scheme, identity)
    );
    CREATE INDEX contents_failed ON contents(id) WHERE failure IS NOT NULL;
    CREATE INDEX contents_orphaned ON contents(orphaned) WHERE orphaned IS NOT NULL;

    CREATE TABLE files (
        id INTEGER PRIMARY KEY,
        directory INTEGER NOT NULL REFERENCES directories(id),
        name BLOB NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        content INTEGER REFERENCES contents(id),
        due INTEGER NOT NULL,
        failure TEXT,
        UNIQUE (directory, name)
    );
    CREATE INDEX files_content ON files(content);
    CREATE INDEX files_due ON files(mtime_ns DESC) WHERE due;
    CREATE INDEX files_failed ON files(id) WHERE failure IS NOT NULL;

    CREATE TABLE metadata (
        file INTEGER PRIMARY KEY REFERENCES files(id) ON DELETE CASCADE,
        taken TEXT,
        utc_offset INTEGER,
        make TEXT,
        model TEXT,
        lens TEXT,
        iso INTEGER,
        latitude REAL,
        longitude REAL,
        altitude REAL,
        orientation INTEGER
    );

    CREATE TABLE models (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        dimensions INTEGER NOT NULL
    );
    CREATE TABLE vectors (
        model INTEGER NOT NULL REFERENCES models(id),
        content INTEGER NOT NULL REFERENCES contents(id),
        vector BLOB NOT NULL,
        passes INTEGER NOT NULL,
        PRIMARY KEY (model, content)
    ) WITHOUT ROWID;
    CREATE INDEX vectors_content ON vectors(content);

    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO counters VALUES ('encoded', 0), ('reused', 0);
    """,
    "ALTER TABLE files ADD COLUMN sidecars INTEGER NOT NULL DEFAULT 0",
    """
    ALTER TABLE metadata ADD COLUMN title TEXT;
    ALTER TABLE metadata ADD COLUMN description TEXT;
    ALTER TABLE metadata ADD COLUMN rating INTEGER;
    ALTER TABLE metadata ADD COLUMN outdated INTEGER NOT NULL DEFAULT 1;
    CREATE INDEX metadata_outdated ON metadata(file) WHERE outdated;

    CREATE TABLE keywords (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE file_keywords (
        file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE,
        keyword INTEGER NOT NULL REFERENCES keywords(id),
        PRIMARY KEY (file, keyword)
    ) WITHOUT ROWID;
    CREATE INDEX file_keywords_keyword ON file_keywords(keyword);
    """,
    """
    ALTER TABLE directories ADD COLUMN absent INTEGER;
    CREATE INDEX directories_absent ON directories(id) WHERE absent IS NOT NULL;
    CREATE TABLE disks (
        directory INTEGER PRIMARY KEY REFERENCES directories(id) ON DELETE CASCADE,
        volume TEXT,
        inside BLOB NOT NULL,
        path BLOB NOT NULL
    );
    """,
    """
    CREATE TABLE tag_folders (path BLOB PRIMARY KEY, mode TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE tag_ledger (
        id INTEGER PRIMARY KEY,
        file INTEGER REFERENCES files(id) ON DELETE SET NULL,
        path BLOB NOT NULL,
        carrier TEXT NOT NULL,
        mark TEXT,
        root TEXT,
        words TEXT,
        removed TEXT,
        model TEXT,
        written INTEGER,
        digest BLOB,
        original BLOB,
        intended BLOB
    );
    CREATE UNIQUE INDEX tag_ledger_file ON tag_ledger(file, carrier);
    CREATE INDEX tag_ledger_mark ON tag_ledger(mark);
    CREATE INDEX tag_ledger_intended ON tag_ledger(id) WHERE intended IS NOT NULL;
    CREATE TABLE tag_visits (
        file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE,
        mode TEXT NOT NULL,
        content INTEGER,
        edition TEXT NOT NULL,
        failure TEXT,
        PRIMARY KEY (file, mode)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE derived (name TEXT PRIMARY KEY, token TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE changed_vectors (
        model INTEGER NOT NULL,
        content INTEGER NOT NULL,
        PRIMARY KEY (model, content)
    ) WITHOUT ROWID;
    CREATE TABLE changed_files (file INTEGER PRIMARY KEY);

    CREATE TRIGGER vector_added AFTER INSERT ON vectors BEGIN
        INSERT INTO changed_vectors SELECT new.model, new.content WHERE NOT EXISTS
            (SELECT 1 FROM changed_vectors WHERE model = new.model AND content = new.content);
    END;
    CREATE TRIGGER vector_changed AFTER UPDATE OF vector ON vectors BEGIN
        INSERT INTO changed_vectors SELECT new.model, new.content WHERE NOT EXISTS
            (SELECT 1 FROM changed_vectors WHERE model = new.model AND content = new.content);
    END;
    CREATE TRIGGER vector_removed AFTER DELETE ON vectors BEGIN
        INSERT INTO changed_vectors SELECT old.model, old.content WHERE NOT EXISTS
            (SELECT 1 FROM changed_vectors WHERE model = old.model AND content = old.content);
    END;
    CREATE TRIGGER file_added AFTER INSERT ON files BEGIN
        INSERT INTO changed_files SELECT new.id
            WHERE NOT EXISTS (SELECT 1 FROM changed_files WHERE file = new.id);
    END;
    CREATE TRIGGER file_changed AFTER UPDATE OF directory, content, due, failure ON files BEGIN
        INSERT INTO changed_files SELECT new.id
            WHERE NOT EXISTS (SELECT 1 FROM changed_files WHERE file = new.id);
    END;
    CREATE TRIGGER file_removed AFTER DELETE ON files BEGIN
        INSERT INTO changed_files SELECT old.id
            WHERE NOT EXISTS (SELECT 1 FROM changed_files WHERE file = old.id);
    END;
    CREATE TRIGGER content_failed AFTER UPDATE OF failure ON contents
    WHEN old.failure IS NOT new.failure BEGIN
        INSERT INTO changed_files SELECT id FROM files WHERE content = new.id
            AND NOT EXISTS (SELECT 1 FROM changed_files WHERE file = files.id);
    END;
    CREATE TRIGGER directory_absent AFTER UPDATE OF absent ON directories
    WHEN old.absent IS NOT new.absent BEGIN
        INSERT INTO changed_files SELECT id FROM files WHERE directory = new.id
            AND NOT EXISTS (SELECT 1 FROM changed_files WHERE file = files.id);
    END;
    """,
    """
    CREATE TABLE concepts (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE);
    CREATE TABLE concept_examples (
        concept INTEGER NOT NULL REFERENCES concepts(id) ON DELETE CASCADE,
        content INTEGER NOT NULL REFERENCES contents(id) ON DELETE CASCADE,
        counter INTEGER NOT NULL,
        PRIMARY KEY (concept, content)
    ) WITHOUT ROWID;
    CREATE INDEX concept_examples_content ON concept_examples(content);
    """,
    """
    ALTER TABLE tag_folders ADD COLUMN inode INTEGER;
    ALTER TABLE tag_folders ADD COLUMN born INTEGER;
    """,
    """
    ALTER TABLE models ADD COLUMN gone INTEGER;
    CREATE INDEX tag_visits_failed ON tag_visits(file, mode) WHERE failure IS NOT NULL;
    """,
    "CREATE INDEX files_inode ON files(inode)",
    """
    ALTER TABLE tag_ledger ADD COLUMN scheme INTEGER;
    ALTER TABLE tag_ledger ADD COLUMN identity BLOB;
    UPDATE tag_ledger SET (scheme, identity) = (SELECT c.scheme, c.identity FROM files f
        JOIN contents c ON c.id = f.content WHERE f.id = tag_ledger.file);
    CREATE INDEX tag_ledger_path ON tag_ledger(path);
    """,
    "CREATE INDEX files_due_in ON files(directory, mtime_ns DESC) WHERE due",
    "ALTER TABLE models ADD COLUMN also TEXT NOT NULL DEFAULT ''",
    """
    ALTER TABLE metadata ADD COLUMN taken_ms INTEGER;
    ALTER TABLE metadata ADD COLUMN date_source TEXT;
    ALTER TABLE metadata ADD COLUMN date_doubtful INTEGER;
    ALTER TABLE metadata ADD COLUMN favourite INTEGER;
    UPDATE metadata SET outdated = 1;
    """,
    # Damaged pictures, and more variants of formats, can be read now.
    """
    ALTER TABLE files ADD COLUMN paired INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE contents ADD COLUMN incomplete INTEGER NOT NULL DEFAULT 0;
    """
    + _RETRY,
    """
    CREATE TABLE people (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE file_people (
        file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE,
        person INTEGER NOT NULL REFERENCES people(id),
        x REAL,
        y REAL,
        width REAL,
        height REAL,
        PRIMARY KEY (file, person)
    ) WITHOUT ROWID;
    CREATE INDEX file_people_person ON file_people(person);
    UPDATE metadata SET outdated = 1;
    """,
    """
    ALTER TABLE contents ADD COLUMN signed INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX contents_unsigned ON contents(id) WHERE NOT signed AND failure IS NULL;
    CREATE TABLE signatures (
        content INTEGER PRIMARY KEY REFERENCES contents(id) ON DELETE CASCADE,
        pixels BLOB NOT NULL
    );
    """,
    words.MIGRATION,
    texts.MIGRATION,
    """
    CREATE TABLE forgotten (
        directory INTEGER PRIMARY KEY REFERENCES directories(id) ON DELETE CASCADE,
        path BLOB NOT NULL
    );
    """,
    saved.MIGRATION,
    """
    ALTER TABLE metadata ADD COLUMN exposure REAL;
    ALTER TABLE metadata ADD COLUMN aperture REAL;
    ALTER TABLE metadata ADD COLUMN focal_length REAL;
    UPDATE metadata SET outdated = 1;
    """,
    "ALTER TABLE tag_ledger ADD COLUMN given TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE saved_searches ADD COLUMN reverse INTEGER NOT NULL DEFAULT 0",
    # Words with marks are cut differently, and more pictures that break off can be read.
    words.FILL + _RETRY,
)

VERSION = len(MIGRATIONS)
