"""What is wrong with a picture's file, with a directory, or with the process that reads them."""

from __future__ import annotations

from csearchd.reasons import Template

# Directories
NOT_A_DIRECTORY = Template("not-a-directory", "{path}: is not a directory")
DIRECTORY_DENIED = Template("directory-denied", "{path}: permission denied")
NO_DIRECTORY = Template("no-directory", "{path}: no such directory")
UNANSWERED = Template(
    "file-system-unanswering",
    "{path}: its file system doesn't answer; is its disk or server connected?",
)

# Files; these fit after a name
SYMBOLIC_LINK = Template("symbolic-link", "is a symbolic link")
NOT_REGULAR = Template("not-a-regular-file", "is not a regular file")
EMPTY = Template("empty-file", "is empty")
VANISHED = Template("vanished", "has vanished")
UNREADABLE = Template("unreadable", "cannot be read: {reason}")
UNREACHABLE = Template("unreachable", "is in a directory that cannot be entered: {reason}")
CHANGED_BEFORE = Template("changed-before-reading", "changed before it was read")
CHANGED_MEANWHILE = Template("changed-while-reading", "changed while it was read")
FILE_TOO_LARGE = Template(
    "file-too-large",
    "has {size}, more than the limit of {limit} (encode.max_bytes in the configuration)",
)

# Pictures
UNKNOWN_FORMAT = Template(
    "unknown-format", "is no picture in a format that csearch reads (csearchctl help formats)"
)
HEADER_DAMAGED = Template(
    "header-damaged", "is a damaged or truncated {format} file: its header can't be read"
)
DIRECTORY_CUT_OFF = Template(
    "directory-cut-off", "the file is cut off: the part that says how to decode it is missing"
)
TRUNCATED = Template("truncated", "the file is truncated or damaged ({details})")
ENDS_EARLY = Template("ends-early", "it ends too early")
UNDECODABLE = Template("undecodable", "the file is damaged or not supported ({details})")
METADATA_TOO_LARGE = Template(
    "metadata-too-large", "the file is damaged (its metadata point to too much data)"
)
NO_PIXELS = Template("no-pixels", "has no pixels ({width}×{height})")
TOO_MANY_PIXELS = Template(
    "too-many-pixels",
    "{width}×{height} pixels are more than the limit of {limit} (encode.max_pixels "
    "in the configuration)",
)
TILES_TOO_LARGE = Template(
    "tiles-too-large",
    "is made of tiles of {width}×{height} pixels, which are too large to be decoded",
)
NEEDS_MEMORY = Template(
    "needs-memory",
    "decoding needs {needed} MB of memory, more than the limit of {limit} MB "
    "(encode.max_memory in the configuration)",
)
EXCEEDS_MEMORY = Template(
    "exceeds-memory",
    "decoding needs more memory than the limit of {limit} MB (encode.max_memory in "
    "the configuration)",
)
TOO_SLOW = Template(
    "too-slow",
    "takes longer than {seconds:g} s to be read (encode.max_seconds in the configuration)",
)
DECODING_CRASHED = Template(
    "decoding-crashed", "the program that decodes pictures crashed on it ({ending})"
)
ENCODING_CRASHED = Template("encoding-crashed", "the model crashed on it ({ending})")
NO_VECTOR = Template(
    "no-vector", "the model can make nothing of it; csearchctl model list shows others"
)
WORDS_NEED_MEMORY = Template(
    "words-need-memory",
    "reading its words needs {needed} MB of memory, more than the limit of {limit} MB",
)
WORDS_EXCEED_MEMORY = Template("words-exceed-memory", "reading its words needs too much memory")
READING_WORDS_CRASHED = Template(
    "reading-words-crashed", "the program that reads words in pictures crashed on it ({ending})"
)
READER_UNUSABLE = Template(
    "reader-unusable",
    "words in pictures can't be read ({details}): install csearch again",
)
NOT_SEEN = Template("not-seen", "cannot be looked at: {reason}")

# The encoder
ENDED_BEFORE_READING = Template(
    "encoder-ended-before-reading",
    "the program that reads pictures ended ({ending}) before it began",
)
ENDED_WHILE_LOADING = Template(
    "encoder-ended-while-loading",
    "the program that reads pictures ended ({ending}) while it loaded the model",
)
EXIT_STATUS = Template("exit-status", "exit status {status}")
