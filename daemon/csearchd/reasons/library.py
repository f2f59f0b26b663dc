"""What is wrong with the library's database, its rows, or the cache beside it."""

from __future__ import annotations

from csearchd.reasons import Template

# Words in pictures
TEXT_OFF = Template(
    "text-off", "words in pictures are not read: text.enabled is false in the configuration"
)
TEXT_MISSING = Template(
    "text-missing",
    "words in pictures are not read: this installation lacks the recogniser's networks; install "
    "csearch anew",
)
TEXT_PENDING = Template(
    "text-pending",
    "the words of {count:,} pictures are still to be read, so some may be missing; --wait waits "
    "for them",
)

# The database
NETWORK_FILE_SYSTEM = Template(
    "library-on-network",
    "{path} is on a network file system ({kind}), where a database can be damaged; set "
    "XDG_DATA_HOME to a directory on a local disk",
)
DAMAGED = Template(
    "library-damaged",
    "{path} is damaged ({details}). Put a backup in its place (csearchctl backup -h tells how), or "
    "move it away with its -wal and -shm and start again ({command}): your pictures are untouched "
    "and will be read anew, but with it go the list of watched directories, concepts, which "
    "folders are kept tagged, and what csearchctl tags undo needs",
)
LOG_DAMAGED = Template(
    "library-log-damaged",
    "{path}-wal was damaged: what was noted last before the service ended may be lost; your "
    "pictures are compared with the disk again; look with csearchctl roots, csearchctl concepts "
    "and csearchctl status whether something of yours is missing",
)
DISK_FULL = Template("library-disk-full", "the disk with {path} is full; free some space on it")
NOT_WRITABLE = Template(
    "library-not-writable",
    "{path} cannot be written ({details}); check the permissions of the file and of its directory, "
    "and whether the disk is mounted read-only",
)
LIBRARY_NOT_A_FILE = Template(
    "library-not-a-file",
    "{path} is no file, so the library cannot be opened; move it away, and pictures are read anew, "
    "or put a backup in its place (csearchctl backup -h tells how): {command}",
)
DENIED = Template(
    "library-denied",
    "{path} may not be read and written by you; to change that: {command}",
)
FOREIGN = Template("library-foreign", "{path} is a database of another program; move it away")
NEWER = Template(
    "library-newer",
    "{path} was written by a newer csearch (its format is {version}, this one knows {known}); "
    "install that version again, or set XDG_DATA_HOME to another directory",
)
FAILED = Template(
    "library-failed", "{path} cannot be used: {details}; csearchctl doctor tells more"
)
LOST = Template(
    "library-lost",
    "{path} was deleted, moved or replaced while the service runs; the service notices that within "
    "a minute and writes it anew from memory: try again then",
)
NOT_MADE_ANEW = Template(
    "library-not-made-anew",
    "{path} was deleted or moved while the service runs, and cannot be made anew ({reason}): "
    "nothing new is kept, and what is known is lost when the service stops; correct that, and "
    "the service tries again",
)

# What became of one that was lost
LOG_PUT_BACK = Template(
    "library-log-put-back", "the -wal or -shm of {path} was deleted or moved; nothing is lost"
)
MADE_ANEW = Template(
    "library-made-anew",
    "{path} was deleted or moved while the service ran; it was made anew from memory, with all "
    "that it held; installed models and past queries are lost if they were deleted with it "
    "(csearchctl model list)",
)
REPLACED = Template(
    "library-replaced",
    "another file took the place of {path} while the service ran; it is used",
)
REPLACED_AND_RESCUED = Template(
    "library-replaced-and-rescued",
    "another file took the place of {path} while the service ran; it is used; what the service "
    "knew was deleted, and is in {copy} now",
)

# Less than there was
LACKS = Template(
    "library-lacks",
    "{path} lacks what it had before ({lost}): it was emptied, moved away, replaced or damaged; "
    "{remedy}; your pictures are untouched",
)
EMPTIED = Template(
    "library-emptied",
    "{path} is empty, and lacks what it had before ({lost}): it was emptied, moved away, replaced "
    "or damaged; {remedy}; your pictures are untouched",
)
LOST_PICTURES = Template("lost-pictures", "{count} pictures")
LOST_ROOTS = Template("lost-roots", "watched directories: {names}")
LOST_TAGGED = Template("lost-tagged-directories", "directories that are kept tagged: {names}")
LOST_CONCEPTS = Template("lost-concepts", "concepts: {names}")
LOST_SAVED = Template("lost-saved-searches", "saved searches: {names}")
PUT_BACKUP_BACK = Template("put-backup-back", "put a backup back (csearchctl backup -h tells how)")
PUT_BACKUP_BACK_OR_ADD = Template(
    "put-backup-back-or-add",
    "put a backup back (csearchctl backup -h tells how), or csearchctl add {names}",
)

# Damaged rows
ROWS_DAMAGED = Template("rows-damaged", "{path} was damaged and has lost: {rows}")
VECTORS_DAMAGED = Template(
    "vectors-damaged",
    "{count} vectors in the library were damaged, and their pictures are read again: {names}",
)
AND_MORE = Template("and-more", "{names} and {count} more")
SETTING_ROWS = Template("setting-rows", "setting {names}")
COUNTER_ROWS = Template("counter-rows", "counter {names}")
DIRECTORY_ROWS = Template("directory-rows", "directory {names}")
DISK_ROWS = Template("disk-rows", "disk of a directory {names}")
ROOT_ROWS = Template("root-rows", "watched directory with the number {names}")
CONCEPT_ROWS = Template("concept-rows", "concept {names}")
SAVED_ROWS = Template("saved-search-rows", "saved search {names}")
SAVED_PATH_ROWS = Template("saved-path-rows", "path {names} of a saved search")
EXAMPLE_ROWS = Template("example-rows", "example of the concept {names}")
TAGGED_ROWS = Template("tagged-rows", "directory that is kept tagged: {names}")
MARK_ROWS = Template("mark-rows", "mark of a file in the cache {names}")
NOTE_ROWS = Template("note-rows", "note of {names}")
PICTURE_ROWS = Template("picture-rows", "picture {names}")
CONTENT_ROWS = Template("content-rows", "content of {names}")
METADATA_ROWS = Template("metadata-rows", "metadata of {names}")
KEYWORD_ROWS = Template("keyword-rows", "keyword {names}")
LOOSE_METADATA_ROWS = Template(
    "loose-metadata-rows", "metadata of the file with the number {names}"
)
PERSON_ROWS = Template("person-rows", "name of a person {names}")
LOOSE_PERSON_ROWS = Template("loose-person-rows", "person in the file with the number {names}")
LOOSE_KEYWORD_ROWS = Template("loose-keyword-rows", "keyword of the file with the number {names}")
TAGGING_ROWS = Template("tagging-rows", "tagging of the file with the number {names}")

# The cache
REMADE = Template("cache-remade", "{path} was damaged ({details}) and has been made anew")
NOT_A_FILE = Template("cache-not-a-file", "it is not a file")
WRONG_CHECKSUM = Template("cache-wrong-checksum", "its checksum differs")
WRONG_CHECKSUM_OF = Template("cache-wrong-checksum-of", "the checksum of {name} differs")
WRONG_ROWS = Template("cache-wrong-rows", "{count} of its rows")
UNREADABLE_HEAD = Template("cache-unreadable-head", "head cannot be read")
WRONG_SIZE = Template("cache-wrong-size", "{name} has the wrong size")
WRONG_SIZES = Template("cache-wrong-sizes", "all files have the wrong size")
MIXED_TIMES = Template("cache-of-different-times", "its files were written at different times")
UNKNOWN_PICTURES = Template("cache-of-unknown-pictures", "it names pictures that don't exist")
IN_MEMORY = Template(
    "codes-in-memory",
    "what searches read is kept in memory, since {place} cannot be used: {reason}",
)
THE_CACHE = Template("the-cache", "the cache")
