"""What the service takes at most from those who ask it: sizes, numbers and seconds.

The bounds of the protocol's frames, MAX_REQUEST and MAX_REPLY, are in csearch.protocol.wire, where
clients find them too.
"""

from __future__ import annotations

# Connections of clients (csearchd.serve.server, .connection)
CONNECTIONS = 256  # then the one that has been idle for longest goes
IDLE_SECONDS = 600.0  # without a request under way
MESSAGE_SECONDS = 10.0  # from the first byte of a message to its last
STUCK_SECONDS = 10.0  # that a client reads nothing, before it may go for others
REQUESTS = 64  # under way on a connection,
AT_ONCE = 4  # of which so many are answered at a time; those that wait for reading don't count
FILES = 256  # that came on a connection and belong to no request yet
FILE_BYTES = 64 << 10  # that such a file counts for: no client is to take all descriptors
INCOMING_BYTES = 32 << 20  # of all clients' messages that aren't complete or aren't answered yet
RESULTS_BYTES = 32 << 20  # of all clients' results that haven't been read, by estimate
HIT_BYTES = 500  # of memory for a result, by estimate
ELEMENTS = 50_000  # in the arrays and maps of a message together

# What requests hold (csearchd.serve)
PATH_BYTES = 4095  # PATH_MAX of Linux, without its NUL
SCOPES = 1000  # directories to search below
PICTURES = 32  # to search with, or to teach by
DESCRIBED = 20_000  # files, whose tags are told at a time
RESULTS = 1 << 31  # that are asked for: more than there are files
SCORE = 1000.0  # and -SCORE: beyond those of all pictures
QUERY = 256 << 10  # characters of a query, with the names of pictures
TEXT = 10_000  # characters that describe a picture: a text tower reads some hundred of them
VALUE = 4096  # characters of a filter's value
WILDCARDS = 50  # * in it: each takes a group of a regular expression, of which Python keeps 512
DATES = 10  # of a query
DATE = 100  # characters of a date: dateparser's time grows with their square
NAME = 200  # characters of a name, a version or a mark
QUOTED = 200  # characters of what was wrong, in what is said about it

# Calls over D-Bus (csearchd.desktop)
CALLS = 256  # under way
CALL_BYTES = 4 << 20  # of a call's arguments, by estimate
CALLS_BYTES = 16 << 20  # of all calls that are under way
METAS = 1000  # results that a desktop asks about at a time
HITS_ON_BUS = 10_000  # in the reply to a search
UNSENT_BYTES = 32 << 20  # of replies that a bus has yet to take

# Threads, and the seconds that they may take (csearchd.concurrency.threads)
ANSWERING, ANSWER_SECONDS = 8, 60.0  # searches and status
WAITING, WAIT_SECONDS = 16, 600.0  # for file systems, or for the database's one writer
WALK_SECONDS = 86400.0  # the same, through all that the library knows
SLOW = {  # of each kind of slow question how many at a time, and how long with its wait for that
    "look": (1, 600.0),  # pictures to search with: there is one encoder for them
    "explain": (2, 600.0),  # explanations, what many files show, and searches for many
    "compare": (2, 3600.0),  # duplicates, and all words of a directory's pictures
}
MANY = 10_000  # results from which on a search is slow: whether each is there is looked up
QUEUED = 64  # slow questions of a kind that are under way or wait

# Caches
EMBEDDED_BYTES = 4 << 20  # texts and their vectors (csearchd.search.engine)


def clipped(text: str, most: int = QUOTED) -> str:
    """A text as it may be quoted."""
    return text if len(text) <= most else f"{text[:most]}…"
