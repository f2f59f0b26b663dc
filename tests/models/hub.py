"""A hub of our own: serves files as the Hugging Face Hub does, or badly when asked to."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hub:
    """`files`: content by path below `/REPOSITORY/resolve/main/`."""

    files: dict[str, bytes]
    breaks: int = 0  # so many answers end after half of what was to come
    stalls: bool = False  # answers stop after half of what was to come, and never end
    damages: bool = False  # what is sent isn't what the checksum says
    ignores_ranges: bool = False
    refuses: int = 0  # the status that every GET gets
    ranges: list[str | None] = field(default_factory=list)  # what each GET asked for
    address: str = ""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub, listening on a port of its own at `hub.address`."""

    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(False)

        def do_GET(self) -> None:
            self._answer(True)

        def _answer(self, body: bool) -> None:
            content = hub.files.get(self.path.rpartition("/resolve/main/")[2])
            if content is None:
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if body and hub.refuses:
                hub.ranges.append(self.headers.get("Range"))
                self.send_response(hub.refuses)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            asked = None if hub.ignores_ranges else self.headers.get("Range")
            start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
            rest = content[start:]
            self.send_response(206 if asked else 200)
            self.send_header("X-Repo-Commit", "1" * 40)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            if asked:
                end = len(content) - 1
                self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            if not body:
                return
            hub.ranges.append(self.headers.get("Range"))
            if hub.damages:
                rest = rest[::-1]
            if hub.stalls:
                self.wfile.write(rest[: len(rest) // 2])
                released.wait()
                self.close_connection = True
            elif hub.breaks:
                hub.breaks -= 1
                self.wfile.write(rest[: len(rest) // 2])
                self.close_connection = True
            else:
                self.wfile.write(rest)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        released.set()
        server.shutdown()
        server.server_close()
        thread.join()
