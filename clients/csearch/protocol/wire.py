"""How clients and the daemon talk: the address, the frames, the messages.

Address
    A Unix stream socket: `$CSEARCH_SOCKET` if set, else `csearch/csearch.sock` below
    `$XDG_RUNTIME_DIR`, else below `/run/user/UID`, else `/tmp/csearch-UID/csearch.sock`. Only
    processes of the user who owns the daemon are answered (`SO_PEERCRED`); clients say nothing to
    a listener that is neither their own user's nor root's.

Frames
    Four bytes, the length of what follows as an unsigned big-endian integer; then a msgpack map.
    Text is msgpack `str`; paths are msgpack `bin`: a file name is bytes and need not be UTF-8.
    A frame to the daemon holds at most MAX_REQUEST bytes, one from it at most MAX_REPLY. A peer
    that sends something else gets one `error` with `id` nil and is disconnected.

Requests and replies
    A request is `{"id": INT, "op": STR, …}`; `id` is the client's choice and comes back in every
    reply to it. Many requests may be under way on one connection, and are answered as they get
    ready. Every request gets any number of `progress` and `hits` replies, then exactly one `result`
    or `error`:

        {"id", "type": "progress", …}       what is being done; may be ignored
        {"id", "type": "hits", "hits": […]} a part of a long answer, best first
        {"id", "type": "result", …}         the end of the answer
        {"id", "type": "error", "code": STR, "message": STR}

    `message` is meant for people: what happened, to which file, what to do. Codes: `bad-request`,
    `not-found`, `not-a-directory`, `denied`, `query`, `picture`, `no-model`, `library`,
    `newer-client`, `restarting`, `tagger`, `busy` (try again later), `idle`, `internal`.

    A request may bring open files (SCM_RIGHTS, unix(7)): their descriptors are sent with the first
    byte of its frame, or earlier on the connection, and `files` is their number.

    A connection that closes cancels what it asked for; work on the library goes on. The daemon
    closes one whose message takes longer than 10 s to come, or on which nothing was asked for 10
    minutes; where there are too many, the one that has been idle for longest. Other bounds are in
    csearchd.limits. Who is turned away is told why, in an `error` with `id` nil.

Operations
    hello     {protocol, version}: the first request of a connection. result: {protocol, version,
              pid}. A daemon older than its client answers `restarting`, closes, and comes back as
              the version that is installed; if that is no newer, `newer-client`.
    search    {query: str, scopes: [bin] or nil for everywhere, top: int, wait: str}. The query is
              in the language of csearchd.search.query_language.grammar, with `--` before literal
              text. Scopes are absolute paths of directories. `wait` is "first" (only for
              directories never seen), "all" (until everything below the scopes is up to date) or
              "none".
              progress: {phase: "scanning" or "encoding", found, done, total, failed, rate,
              remaining}: files found; done of total read and encoded; how many of them failed;
              files a second; seconds left or nil.
              More fields, all optional: `pictures` [{path: bin, start: int, end: int}]: pictures
              to search with, of which as many `files` come along; `path` tells known ones, and the
              suffix of others; `start` and `end` say where they stand in the query (characters), or
              are left out: then they are added to it, which may be empty. The same pictures are not
              found. `label` (str): what the pictures are about; scores become blend × likeness to
              the query + (1 − blend) × (likeness to the label + 0.25 × share of its words in the
              file's name, title or keywords), `blend` (0.5) from 0 to 1. `offset` (0): results that
              are left out before the first. `sort`: "score", "date", "name" or "size", of the best
              `top`, or, in a query of filters alone, of all; `reverse`: bool. `min_score`: float;
              `min_confidence`: "weak", "fair" or "strong". `remember`: bool, keeps the query for
              `complete`.
              `details`: bool, `places`: bool, what hits tell. `count`: bool: no hits, a number.
              `group`: bool: of files that are nearly the same only the first. `random`: bool: `top`
              files by chance, of those that are filtered for, or at least fair; then the query may
              be empty. `why`: bool: hits, and the result, say why.
              hits: [{path: bin, score: float, or nil for filters alone, confidence: "weak", "fair",
              "strong", or nil where it can't be told, similar: int (how many were left out),
              why: {parts: [{text, weight, confidence, contribution}], terms: [str]}: what becomes
              of each phrase, word or picture of the query (weight below 0: subtracted) in
              that picture, and what the score would lose without it, or nil; what the picture
              shows of that;
              details: {size, mtime_ns,
              format, width, height, taken, dated, utc_offset, make, model, lens, iso, latitude,
              longitude, altitude, orientation, title, description, rating, keywords, place}}]:
              what isn't known is left out; `taken` is local time as ISO 8601, that of the file
              unless `dated`; `place` is the city near by.
              result: {images, pending, again, failed, model, stopped, notes, count}: images
              searched in the scope, files there that still need work, those of them that are
              searched meanwhile as they were, failed ones, the model's name, whether the wait was
              cut short, remarks for the user ([str]), the number that was asked for.
              `why`: {scope, left, filters: [{text, files}]}: files in the scope, those that meet
              all filters, and each alone.
              The errors `query` have `start` and `end` where a place in the query is to blame.
    answer    {target: id}: ends the wait of an earlier search on the same connection, which is then
              answered with what there is. result: {}.
    status    {verify: bool or nil}: result: the fields of `csearchctl status --json`
              (csearchd.serve.handlers.status). `verify`: damaged files in the cache are looked for
              before.
    add       {path: bin}, remove {path: bin}: a root. result: {path, images}; add returns when
              `status` shows the work that it causes.
    roots     {}: result: {roots: [{path: bin, present, images, pending, failed, watch: str,
              reconciled, absent, waiting}]}, as in `status`.
    rescan    {path: bin or nil}: result {directories: [bin]}.
    pause, resume, reload, stop   {}: result {}. A daemon that is asked to stop answers, then ends.
    failed    {retry: bool}: hits: [{path: bin, reason: str}]; result {count, retried}.
    forget    {path: bin}: purges what is known of a file or directory now. result {files}.
    describe  {paths: [bin], details: bool}: what is known of files, and what pictures show. result:
              {files: [{keywords: [str], words: [str], details: as of hits}]}, in their order; empty
              where nothing is known.
    complete  {what: str, prefix: str}: what a user may mean who has typed so much. `what` is
              "queries" (past ones, the latest first), "filters", "roots", "models" (installed),
              "recommended" (models), "concepts", "taught" (what they are called in
              queries) or a filter's name: values of it that pictures have, or that are worth to
              know. Case is ignored. result {values: [str]}, at most 50. May be the
              first request of a connection, without `hello`.
    history-clear  {}: forgets past queries; `forget` those that name its path. result {queries}.
    models    {}: result {current: str, next: str or nil, done: int, total: int}.
    use       {model: str}: result {model, total}: switches the model; the old one serves until the
              new one's vectors are complete.
    regions   {query, pictures, label, blend: as of search; path: bin}: which regions of a picture
              match; its file is the last of `files`. result {png: bin, method: "occlusion"}: the
              picture as the model sees it, its middle, with a glow on what the score would lose if
              it were painted over.
    dupes     {path: bin or nil for everywhere, exact: bool}: pictures that are the same below a
              directory, and unless `exact` nearly the same. progress as of search. hits: groups
              {exact: bool, files: [{path: bin, likeness: float, pixels, size, mtime_ns, content:
              int}]}: whether they have the same pixels; the largest first; how alike each is to one
              of them, 0 to 1; the same number for the same pixels. result {groups, files}.
    teach     {name: str, pictures: [bin], against: int}: pictures, of which as many `files` come
              along, are examples of a concept, but for the last `against`, which are not it. A new
              name makes a concept. progress: that of a search. result: {name, examples, against,
              called: [str], new: bool}: how many there are now, and what it is called in queries.
    concepts  {}: result {concepts: [{name, examples, against, called}]}.
    concept-rename {name, new}, concept-remove {name}: result {}.
    tags-write  {path: bin, mode: "xattr", "sidecar" or "embedded"}: tags all pictures below a
              directory, once they are read. progress: that of a search, then {phase: "tagging",
              done, total, failed}. hits: [{path: bin, reason: str}], what was left alone.
              result {files, written, left}. A connection that closes ends it.
    tags-preview  {path: bin}: what tags-write would write, beside the keywords that pictures have
              already. progress: that of a search. hits: [{path: bin, tags: [[word, confidence]]}],
              a word as "animal/dog", the surest first. result {files, tagged}.
    tags-on   {path: bin, mode}: keeps the directory tagged from now on. result {path, added: bool}:
              whether it was made a root for that.
    tags-off  {path: bin}: no more, nor those below it. result {paths: [bin]}.
    tags-undo  {path: bin or nil for everything}: takes back our words in a directory, or in a
              file; what was tagged there and has moved is followed, and what is found nowhere
              is among hits with its last path. Replies as of tags-write, phase "undoing"; result
              {files, written, left, folders: [bin], which are kept tagged no more}.

Operations of the tagger (csearchd.tags)
    tags-serve  {}: progress: first one {sweep: [[bin, bin]], max_bytes}: directories where a killed
              tagger may have left temporary files, each with its top; the size of the largest
              picture. hits: items of work: {item: int, kind: "write", "undo" or "settle" (writes
              nothing), path: bin, top: bin, the directory below which no symbolic link is
              followed, scored: what the library has read there or nil, {stat: [size, mtime_ns,
              ctime_ns, inode] or nil, scheme, identity, orientation}, carrier: "xattr", "sidecar"
              or "embedded", row: int or nil, record, intended, probe: bool; to write also words:
              [str], root: str, model: str}. The next ones come when all have been
              reported. progress {stop: true}: begin none of those that aren't begun. result {}:
              there is nothing more to do. A record is a map of the fields of
              csearchd.tags.record.Record, or nil.
    tags-intend  {entries: [{item, row, record}]}: what is about to be written. result {rows}.
    tags-done  {entries: [{item, outcome: "written", "unchanged", "left", "gone" or "dropped",
              reason: str or nil, passing: bool, row, record}]}: what is true now; "gone" with a
              reason: another picture is in its place. result {}.
    tags-known  {mark: str}: result {row, record}: what the ledger knows of another write.
"""

from __future__ import annotations

import os
import stat
import struct

# The class that socket's own is made of: what socket adds takes 5 ms to import.
from _socket import SO_PEERCRED, SOL_SOCKET, socket
from collections.abc import Iterator

import msgpack

from csearch.protocol.quoting import printable

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from typing import Any

PROTOCOL = 1
MAX_REQUEST = 1 << 20
MAX_REPLY = 16 << 20
HITS_PER_REPLY = 1000
RESULTS = b"results"  # the directory for folders of results, in the runtime directory

_LENGTH = struct.Struct(">I")
_PEER = struct.Struct("3i")  # pid, uid, gid
_ELSEWHERE = "set XDG_RUNTIME_DIR to a directory of yours, or CSEARCH_SOCKET to a path in one"
_SUN_PATH_MAX = 107  # sizeof(sockaddr_un.sun_path) - 1, unix(7)

Message = dict[str, "Any"]


class ProtocolError(Exception):
    """The peer sent something that is not a frame of this protocol."""


class AddressError(Exception):
    """There is no usable place for the socket; the text says why and what to do."""


def socket_path() -> bytes:
    """Where the daemon's socket is, as an absolute path.

    Raises AddressError where the path is too long for a socket, or where the directory that
    stands in for a runtime directory belongs to somebody else.
    """
    override = os.environb.get(b"CSEARCH_SOCKET")
    if override:
        path = os.path.abspath(override)
    else:
        path = os.path.join(runtime_directory(), b"csearch.sock")
    if len(path) > _SUN_PATH_MAX:
        raise AddressError(
            f"the socket's path has {len(path)} bytes, more than the {_SUN_PATH_MAX} that Linux "
            f"allows: {printable(path)}; set CSEARCH_SOCKET to a shorter one"
        )
    return path


def runtime_directory() -> bytes:
    """The directory of the socket, the lock and folders of results; it need not exist.

    Raises AddressError as socket_path does.
    """
    runtime = os.environb.get(b"XDG_RUNTIME_DIR")
    if runtime and os.path.isabs(runtime):
        return os.path.join(runtime, b"csearch")
    uid = os.getuid()
    standard = b"/run/user/%d" % uid
    if os.path.isdir(standard) and os.access(standard, os.W_OK):
        return os.path.join(standard, b"csearch")
    fallback = b"/tmp/csearch-%d" % uid
    try:
        info = os.lstat(fallback)
    except FileNotFoundError:
        return fallback
    if info.st_uid != uid:
        raise AddressError(
            f"{printable(fallback)} belongs to another user (uid {info.st_uid}), and in /tmp only "
            f"they or root can remove it; {_ELSEWHERE}"
        )
    if not stat.S_ISDIR(info.st_mode):
        raise AddressError(f"{printable(fallback)} is no directory; remove it, or {_ELSEWHERE}")
    if info.st_mode & 0o077:
        raise AddressError(
            f"others can enter {printable(fallback)}; chmod 700 {printable(fallback)} closes it, "
            f"or {_ELSEWHERE}"
        )
    return fallback


def peer_uid(connection: socket) -> int:
    """The user at the other end (SO_PEERCRED, unix(7)); of a listener, who began to listen."""
    return _credentials(connection)[1]


def peer_pid(connection: socket) -> int:
    """Its process; of a listener, the one that began to listen, such as systemd."""
    return _credentials(connection)[0]


def _credentials(connection: socket) -> tuple[int, int, int]:
    found = connection.getsockopt(SOL_SOCKET, SO_PEERCRED, _PEER.size)
    pid, uid, gid = _PEER.unpack(found)
    return pid, uid, gid


def pack(message: Message) -> bytes:
    """`message` as a frame. What isn't Unicode in a text (parts of a path) becomes "?"."""
    body: bytes = msgpack.packb(message, use_bin_type=True, unicode_errors="replace")
    return _LENGTH.pack(len(body)) + body


class Unpacker:
    """Cuts a stream of bytes into messages."""

    def __init__(self, limit: int, elements: int | None = None) -> None:
        """`limit`: bytes of a message; `elements`: of all its arrays and maps together."""
        self._limit = limit
        self._elements = elements
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yields the messages that `data` completes. Raises ProtocolError."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > self._limit:
                raise ProtocolError(f"a frame of {length} bytes; at most {self._limit} are allowed")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield _decode(body, self._elements)

    @property
    def waiting(self) -> int:
        """Bytes of a frame that has begun and is not complete."""
        return len(self._buffer)


def _decode(body: bytes, elements: int | None) -> Message:
    options: dict[str, Any] = {}
    if elements is not None and len(body) > elements:  # each takes a byte at least
        left = elements

        def count(values: Any) -> Any:
            nonlocal left
            left -= len(values)
            if left < 0:
                raise ValueError(f"more than {elements} elements")
            return values

        options = {"list_hook": count, "object_hook": count}
        options |= {"max_array_len": elements, "max_map_len": elements}
    try:
        message = msgpack.unpackb(body, raw=False, strict_map_key=False, **options)
    except Exception as error:  # msgpack's errors have no common base
        raise ProtocolError(f"a frame that is not msgpack: {error}") from error
    if not isinstance(message, dict):
        raise ProtocolError("a frame that is not a map")
    return message
