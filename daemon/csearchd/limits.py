"""The limits of what clients may send and request: sizes, numbers and seconds.

The limits of the protocol's frames, MAX_REQUEST, MAX_REPLY and MAX_FILES, are in
csearch.protocol.wire, since clients need them too.
"""

from __future__ import annotations

from csearch.protocol.wire import MAX_FILES

# Connections of clients (csearchd.serve.server, .connection)
CONNECTIONS = 256  # beyond which the one that was idle for the longest time is closed
IDLE_SECONDS = 600.0  # without a request, after which a connection is closed
MESSAGE_SECONDS = 10.0  # from the first byte of a message to its last
STUCK_SECONDS = 10.0  # in which a client reads nothing, after which it may be closed for others
REQUESTS = 64  # under way on a connection
AT_ONCE = 4  # of these that are answered at a time; those that wait for indexing don't count
FILES = 10_000  # open files that were received on a connection and belong to no request yet
FILES_BYTES = 16 << 20  # as which all files count that a client may have open here
INCOMING_BYTES = 32 << 20  # of all clients' messages that are incomplete or not answered yet
RESULTS_BYTES = 32 << 20  # of all clients' results that they haven't read, estimated
HIT_BYTES = 500  # of memory for a result, estimated
ELEMENTS = 50_000  # in the arrays and maps of a message together

# The content of requests (csearchd.serve)
PATH_BYTES = 4095  # PATH_MAX of Linux, without its NUL
SCOPES = 1000  # directories to search below
PICTURES = MAX_FILES  # to search with
SAVED_PICTURES = 32  # in a saved search
SAVED_NAME = 255  # bytes: NAME_MAX of Linux
EXAMPLES = 32  # to teach a concept with, at a time
DESCRIBED = 20_000  # files whose tags are requested at a time
GIVEN = 10_000  # pictures that are given words at a time
RESULTS = 1 << 31  # that are requested: more than there can be files
SCORE = 1000.0  # and -SCORE: beyond the scores of all pictures
QUERY = 256 << 10  # characters of a query, with the names of pictures
TEXT = 10_000  # characters of a description: a text tower reads only some hundred
LANGUAGE = 64  # characters of a locale
VALUE = 4096  # characters of a filter's value
WILDCARDS = 50  # `*` in a filter's value: each becomes a group of a regular expression
DATES = 10  # in a query
DATE = 100  # characters of a date: dateparser's time grows with their square
NAME = 200  # characters of a name, a version or a mark
QUOTED = 200  # characters of wrong input that an error message quotes

# Calls over D-Bus (csearchd.desktop)
CALLS = 256  # under way
CALL_BYTES = 4 << 20  # of a call's arguments, estimated
CALLS_BYTES = 16 << 20  # of all calls that are under way
METAS = 1000  # results of which a desktop requests the details at a time
HITS_ON_BUS = 10_000  # in the reply to a search
UNSENT_BYTES = 32 << 20  # of replies that a bus hasn't taken yet

# Threads, and the seconds that a call may take (csearchd.concurrency.threads)
ANSWERING, ANSWER_SECONDS = 8, 60.0  # searches and status
WAITING, WAIT_SECONDS = 16, 600.0  # work that waits for file systems, or to write to the database
WALK_SECONDS = 86400.0  # such work through the whole library
SLOW = {  # for each kind of slow call: how many run at a time, and the seconds including the wait
    "look": (1, 600.0),  # pictures to search with: there is one encoder for them
    "explain": (2, 600.0),  # explanations, what many files show, and searches for many
    "compare": (2, 3600.0),  # duplicates, and all words of a directory's pictures
}
MANY = 10_000  # results beyond which a search is slow, since the existence of each is checked
QUEUED = 64  # slow calls of a kind that run or wait

# Caches
EMBEDDED_BYTES = 4 << 20  # texts and their vectors (csearchd.search.engine)


def clipped(text: str, max_length: int = QUOTED) -> str:
    """`text`, cut to `max_length` characters, for an error message."""
    return text if len(text) <= max_length else f"{text[:max_length]}…"
