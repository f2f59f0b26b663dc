"""The database's schema: one script of SQL for each version, applied in order.

directories  a tree from "/" (id 1, no parent), one row for each directory that was looked into and
             those above it; a name is one component. `listing` is a digest of the entries that
             were compared last, `covered` when everything below was last known to be listed
             (seconds since 1970).
             `absent`: since when its disk isn't there; then it is not in memory, and the topmost
             has no parent.
disks       where roots, and what is mounted below them, are on their disks: the name of the file
             system (library.volumes) and the path inside it. `path`: where it was mounted last.
files        a picture's place: name, and the stat that was true when it was last listed or read.
             `due` marks work: the file must be read. `failure` says why it couldn't be. `sidecars`
             stands for the stat of its XMP sidecars, 0 where there is none. By inode the other
             names of a changed file are found.
contents     a picture's pixels, named by identity and the scheme that made it. `failure` says why
             they can't be decoded; `orphaned` since when no file has them (library.clock).
vectors      what a model made of a content: float16, little-endian. `passes` counts the encodings.
models       whose vectors there are; `gone` since when none with the fingerprint is installed
             (library.clock).
metadata     what a file says of itself: EXIF, XMP, IPTC, its sidecar and extended attributes.
             `outdated` marks what an older version took, which knew to take less: it is taken again
             when there is nothing else to do.
keywords     each spelling once; `file_keywords` says which files have it.
tag_folders  directories whose pictures are kept tagged, by path: they stay so while they are gone.
             `inode` and `born` (csearchd.system.inode_identity) tell them when they have another
             name.
tag_ledger   what we wrote for a file, one row for each carrier (xattr, sidecar, embedded): words
             and `removed` as JSON, `digest` and `original` as in csearchd.tags.record; `intended`
             is a write under way (msgpack). It outlives its file, which may come back, or turn up
             elsewhere: `scheme` and `identity` are the content's that was tagged.
tag_visits   the content and the edition of model and vocabulary that a file was last tagged for in
             a mode, so that it isn't due again; `failure` says why it was left alone.
concepts     what the user taught; `concept_examples` by which pictures: `counter` is 1 for one that
             isn't it. These contents are kept, though they have no file.
derived      which state of the library a file in the cache was made from: its token, by its name.
changed_vectors, changed_files
             what has changed since, noted by triggers, so that nobody can forget to. (Not by
             INSERT OR IGNORE: an upsert that fires a trigger overrides its OR clauses.)
"""

from __future__ import annotations

APPLICATION_ID = 0x43534831  # "CSH1", in the file's header (SQLite file format, section 1.3)

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
)

VERSION = len(MIGRATIONS)
