"""A hub of our own: answers as the Hugging Face Hub and its CDN do, or badly when asked to.

What is imitated: the API's description of a repository with its files (`/api/models/NAME/revision/
REVISION?blobs=true`), HEAD and GET of `/NAME/resolve/REVISION/FILE` with the headers that clients
read, redirects of large files to signed addresses on another host and of small ones to a cache on
the same host, ranges, and the codes of errors. `test_hub.py` downloads from it with the Hub's own
library.
"""

from __future__ import annotations

import contextlib
import email.utils
import functools
import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

LARGE = (".onnx", ".safetensors", ".bin", ".data", ".armnn", ".rknn", "tokenizer.json")
COMMIT = "1" * 40


@dataclass(frozen=True)
class Asked:
    """One request that came in."""

    host: str  # "hub" or "cdn"
    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    at: float  # time.monotonic()


@dataclass(frozen=True)
class Refusal:
    """What the next request of a kind gets instead of an answer.

    A header "in SECONDS" is sent as the date then.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Hub:
    """`files`: content by path in every repository, or only in the one called `repository`."""

    files: dict[str, bytes]
    repository: str | None = None
    licence: str = "mit"
    commit: str = COMMIT
    token: str | None = None  # only those who send it get in
    gated: bool = False  # says that one must accept terms, rather than that there is nothing
    xet: bool = False  # large files are stored by chunks too, and the answers say so
    breaks: int = 0  # so many answers end after half of what was to come
    trickles_heads: str = ""  # heads of "hub" or "cdn", or redirects' bodies, come so ("redirect")
    trickles: bool = False  # answers come a byte at a time, twenty a second
    stalls: bool = False  # answers stop after half of what was to come, and never end
    damages: int = 0  # so many answers aren't what the checksum says
    endless: int = 0  # so many answers never end
    ignores_ranges: bool = False
    shifts_ranges: bool = False  # answers to ranges begin elsewhere than asked for
    description: bytes | None = None  # instead of what the repository holds
    cuts: int = 0  # so many descriptions end after half of what was to come
    refusals: dict[str, list[Refusal]] = field(default_factory=dict)  # by kind: api, file, cdn
    refuses: Refusal | None = None  # every request for a file or its content
    asked: list[Asked] = field(default_factory=list)
    address: str = ""
    cdn_address: str = ""

    @property
    def ranges(self) -> list[str | None]:
        """What each GET of a file's content asked for."""
        return [
            one.headers.get("range")
            for one in self.asked
            if one.method == "GET" and (one.host == "cdn" or "/resolve-cache/" in one.path)
        ]

    def next_refusal(self, kind: str) -> Refusal | None:
        waiting = self.refusals.get(kind)
        if waiting:
            return waiting.pop(0)
        return None if kind == "api" else self.refuses


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub, listening on a port of its own at `hub.address`, its CDN on another one."""
    released = threading.Event()
    with ExitStack() as stack:
        stack.callback(released.set)
        addresses = []
        for host in ("hub", "cdn"):
            server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub, host, released))
            server.daemon_threads = True
            serve = functools.partial(server.serve_forever, poll_interval=0.02)
            thread = threading.Thread(target=serve, daemon=True)
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            thread.start()
            addresses.append(f"http://127.0.0.1:{server.server_port}")
        hub.address, hub.cdn_address = addresses
        stack.callback(released.set)
        yield hub


def git_checksum(content: bytes) -> str:
    """The name of a file in a git repository, by which the hub knows its small files."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _date(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def _is_large(name: str) -> bool:
    return name.endswith(LARGE)


def _handler(hub: Hub, own_host: str, released: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            url = urlsplit(self.path)  # as a proxy, the whole address; else the path
            host = "cdn" if url.netloc.startswith("cdn.") else own_host
            path = unquote(url.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            hub.asked.append(Asked(host, self.command, path, headers, time.monotonic()))
            proxied = f"http://{url.netloc}" if url.netloc else ""
            if host == "cdn":
                self._content(path.removeprefix("/"), "cdn")
            elif path.startswith("/api/resolve-cache/"):
                self._content(unquote(url.path.rpartition("/")[2]), "file")
            elif path.startswith("/api/models/"):
                name, _, revision = path.removeprefix("/api/models/").partition("/revision/")
                self._describe(name, revision or "main", "blobs" in parse_qs(url.query))
            else:
                name, _, rest = path.removeprefix("/").partition("/resolve/")
                revision, _, file = rest.partition("/")
                self._resolve(name, revision, file, proxied)

        def _admitted(self, name: str, revision: str) -> bool:
            """Whether the repository may be read; else the refusal has been sent."""
            authorization = self.headers.get("Authorization")
            if hub.token and authorization != f"Bearer {hub.token}":
                if authorization:
                    self._refuse(401, "", "Invalid credentials in Authorization header")
                elif hub.gated:
                    self._refuse(401, "GatedRepo", f"Access to model {name} is restricted")
                else:
                    self._refuse(401, "RepoNotFound", "Repository not found")
            elif hub.repository not in (None, name):
                # As the real one: who isn't known isn't told whether it exists.
                status = 404 if authorization else 401
                self._refuse(status, "RepoNotFound", "Repository not found")
            elif revision not in ("main", hub.commit):
                self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            else:
                return True
            return False

        def _describe(self, name: str, revision: str, blobs: bool) -> None:
            if self._was_refused("api") or not self._admitted(name, revision):
                return
            siblings = []
            for file, content in hub.files.items():
                entry: dict[str, object] = {"rfilename": file}
                if blobs:
                    entry |= {"blobId": git_checksum(content), "size": len(content)}
                    if _is_large(file):
                        sha256 = hashlib.sha256(content).hexdigest()
                        entry["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
                siblings.append(entry)
            document = {
                "id": name,
                "sha": hub.commit,
                "private": False,
                "gated": "auto" if hub.gated else False,
                "cardData": {"license": hub.licence},
                "tags": [f"license:{hub.licence}"],
                "siblings": siblings,
            }
            body = json.dumps(document).encode() if hub.description is None else hub.description
            headers = {"Content-Type": "application/json"}
            if hub.cuts:
                hub.cuts -= 1
                self.close_connection = True
                self._head(200, {**headers, "Content-Length": str(len(body))})
                self.wfile.write(body[: len(body) // 2])
            elif hub.endless and hub.description is not None:
                self._send_endlessly(200, headers, body)
            else:
                self._send(200, headers, body)

        def _resolve(self, name: str, revision: str, file: str, proxied: str) -> None:
            if self._was_refused("file") or not self._admitted(name, revision):
                return
            content = hub.files.get(file)
            if content is None:
                self._refuse(404, "EntryNotFound", "Entry not found")
                return
            headers = {"X-Repo-Commit": hub.commit, "Accept-Ranges": "bytes"}
            if not _is_large(file):
                headers["ETag"] = f'"{git_checksum(content)}"'
                headers["X-Linked-Size"] = str(len(content))
                headers["Location"] = (
                    f"/api/resolve-cache/models/{name}/{hub.commit}/{quote(file, safe='')}"
                )
                self._send(307, headers, b"Temporary Redirect")
                return
            sha256 = hashlib.sha256(content).hexdigest()
            headers |= {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{sha256}"'}
            if hub.xet:
                headers["X-Xet-Hash"] = sha256[::-1]
                refresh = f"{hub.address}/api/models/{name}/xet-read-token/{hub.commit}"
                headers["Link"] = f'<{refresh}>; rel="xet-auth"'
            cdn = "http://cdn.invalid" if proxied else hub.cdn_address
            headers["Location"] = f"{cdn}/{quote(file)}?Expires=1&Signature=abc~_"
            self._send(302, headers, b"Found. Redirecting")

        def _content(self, file: str, kind: str) -> None:
            if self._was_refused(kind):
                return
            content = hub.files[file]
            headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
            if kind == "file":
                headers |= {"ETag": f'"{git_checksum(content)}"', "X-Repo-Commit": hub.commit}
            asked = None if hub.ignores_ranges else self.headers.get("Range")
            start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
            if asked and start >= len(content):
                self._send(416, {"Content-Range": f"bytes */{len(content)}"}, b"")
                return
            if asked and hub.shifts_ranges:
                start = max(start - 1000, 0)
            if asked:
                end = len(content) - 1
                headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            rest = content[start:]
            if self.command == "GET" and hub.damages:
                hub.damages -= 1
                rest = rest[::-1]
            if self.command == "GET" and hub.trickles:
                self._send_slowly(206 if asked else 200, headers, rest)
            elif self.command == "GET" and (hub.endless or hub.stalls or hub.breaks):
                self._misbehave(206 if asked else 200, headers, rest)
            else:
                self._send(206 if asked else 200, headers, rest)

        def _misbehave(self, status: int, headers: dict[str, str], rest: bytes) -> None:
            if hub.endless:
                self._send_endlessly(status, headers, rest)
                return
            self.close_connection = True
            self._head(status, {**headers, "Content-Length": str(len(rest))})
            self.wfile.write(rest[: len(rest) // 2])
            if hub.stalls:
                released.wait()
            else:
                hub.breaks -= 1

        def _send_slowly(self, status: int, headers: dict[str, str], rest: bytes) -> None:
            self.close_connection = True
            self._head(status, {**headers, "Content-Length": str(len(rest))})
            with contextlib.suppress(OSError):
                for byte in rest:
                    self.wfile.write(bytes([byte]))
                    if released.wait(0.05):
                        return

        def _send_endlessly(self, status: int, headers: dict[str, str], begin: bytes) -> None:
            hub.endless -= 1
            self.close_connection = True
            self._head(status, headers)
            with contextlib.suppress(OSError):  # the client has had enough
                self.wfile.write(begin)
                while not released.is_set():
                    self.wfile.write(bytes(1 << 16))

        def _was_refused(self, kind: str) -> bool:
            refusal = hub.next_refusal(kind)
            if refusal:
                headers = {
                    name: _date(float(value[3:])) if value.startswith("in ") else value
                    for name, value in refusal.headers.items()
                }
                self._send(refusal.status, headers, b"")
            return refusal is not None

        def _refuse(self, status: int, code: str, message: str) -> None:
            headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
            self._send(status, headers, json.dumps({"error": message}).encode())

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            if hub.trickles_heads == "redirect" and status in (302, 307):
                self._send_slowly(status, headers, body * 100)
                return
            self._head(status, {**headers, "Content-Length": str(len(body))})
            if self.command == "GET":
                self.wfile.write(body)

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if hub.trickles_heads == own_host:
                self.flush_headers()
                with contextlib.suppress(OSError):
                    while not released.wait(0.05):
                        self.wfile.write(b"X")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
