"""Thumbnails of results: the desktop's own, or new ones that a child process makes."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import suppress
from functools import partial

from csearch.protocol.wire import MAX_REPLY, Message, ProtocolError, Unpacker, pack
from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.workers import Workers
from csearchd.errors import Unanswered
from csearchd.previews.desktop_thumbnails import thumbnail
from csearchd.watch.watcher import Watcher

log = logging.getLogger(__name__)

_PICTURE_SECONDS = 30.0  # then a decoder hangs; it gives way to other programs
_IDLE_SECONDS = 20.0  # then the process ends
_END_SECONDS = 1.0  # it may be held by a file system that hangs
_MOST_FAILED = 10_000
_SIZE = "large"  # of those that are made where any will do

_Version = tuple[bytes, int, str]
"""A picture's path and its time of change, ns; the smallest size of its thumbnail, or ""."""


class Thumbnailer:
    """Makes the thumbnails that were asked for last, one after the other."""

    def __init__(self, watcher: Watcher, workers: Workers, supervisor: Supervisor) -> None:
        self._watcher = watcher
        self._workers = workers
        self._supervisor = supervisor
        self._making: dict[_Version, asyncio.Future[str | None]] = {}  # the next one first
        self._failed: set[_Version] = set()
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def files(
        self, paths: list[bytes], seconds: float, min_size: str = ""
    ) -> list[str | None]:
        """Returns the files of thumbnails in the order of `paths`, and None for those that aren't
        there within `seconds`.

        They are of the size `min_size` ("large", "x-large") or larger; without, of any size.
        Missing ones are made, instead of those for which earlier calls wait.
        """
        found, missing = await self._workers.wait(self._look, paths, min_size)
        making = self._make(missing)
        if making and seconds > 0:
            await asyncio.wait(making.values(), timeout=seconds)
        for (path, *_), made in making.items():
            if made.done() and not made.cancelled():
                found[path] = made.result()
        return [found.get(path) for path in paths]

    def stop(self) -> None:
        if self._task:
            self._task.cancel()

    def _look(
        self, paths: list[bytes], min_size: str
    ) -> tuple[dict[bytes, str | None], list[_Version]]:
        """Returns the thumbnails that there are, and which can be made. It doesn't wait for a
        server that hangs."""
        found: dict[bytes, str | None] = {}
        missing = []
        for path in paths:
            try:
                seen = partial(_seen, path, min_size)
                file, version = self._watcher.timed_call(path, seen)
            except (OSError, Unanswered):
                continue
            if file:
                found[path] = file
            elif version not in self._failed:
                missing.append(version)
        return found, missing

    def _make(self, versions: list[_Version]) -> dict[_Version, asyncio.Future[str | None]]:
        """Begins to make thumbnails, and gives up those of earlier calls, whose results nobody sees
        any more."""
        if not versions:
            return {}
        before, self._making = self._making, {}
        new = asyncio.get_running_loop().create_future
        for version in versions:
            self._making[version] = before.pop(version) if version in before else new()
        for given_up in before.values():
            given_up.cancel()
        self._wanted.set()
        if self._task is None or self._task.done():
            self._task = self._supervisor.start("making thumbnails", self._run)
        return dict(self._making)

    async def _run(self) -> None:
        """Runs the child process for as long as thumbnails are asked for. A picture whose decoder
        crashes or hangs gets no thumbnail."""
        while await self._is_wanted():
            version = next(iter(self._making))
            process = None
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-m", "csearchd.previews.thumbnails"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )
                while await self._is_wanted() and process.returncode is None:
                    version = next(iter(self._making))
                    reply = await asyncio.wait_for(_ask(process, version), _PICTURE_SECONDS)
                    self._end(version, reply)
            except (OSError, EOFError, TimeoutError, ProtocolError) as error:
                log.info("the maker of thumbnails failed at %s: %s", os.fsdecode(version[0]), error)
                self._end(version, {})
            except Exception:
                log.exception("the maker of thumbnails failed at %s", os.fsdecode(version[0]))
                self._end(version, {})
            finally:
                if process:
                    with suppress(ProcessLookupError):
                        process.kill()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(process.wait(), _END_SECONDS)

    async def _is_wanted(self) -> bool:
        """Waits for a call. Returns False if none comes."""
        while not self._making:
            self._wanted.clear()
            try:
                await asyncio.wait_for(self._wanted.wait(), _IDLE_SECONDS)
            except TimeoutError:
                return bool(self._making)  # it may just have come
        return True

    def _end(self, version: _Version, reply: Message) -> None:
        file = reply.get("file")
        if file is None:
            if len(self._failed) >= _MOST_FAILED:
                self._failed.clear()
            self._failed.add(version)
        if (waiting := self._making.pop(version, None)) and not waiting.done():
            waiting.set_result(file)


async def _ask(process: asyncio.subprocess.Process, version: _Version) -> Message:
    """Has the child process make a thumbnail. Raises OSError or EOFError where it has ended."""
    assert process.stdin and process.stdout
    path, _, min_size = version
    process.stdin.write(pack({"path": path, "form": "desktop", "size": min_size or _SIZE}))
    await process.stdin.drain()
    unpacker = Unpacker(MAX_REPLY)
    while data := await process.stdout.read(1 << 16):
        for reply in unpacker.feed(data):
            return reply
    raise EOFError("it has ended")


def _seen(path: bytes, min_size: str) -> tuple[str | None, _Version]:
    """Returns the file of a picture's thumbnail, if there is one, and the picture's version. Raises
    OSError where there is no picture."""
    changed = os.stat(path).st_mtime_ns
    return thumbnail(path, changed, min_size), (path, changed, min_size)
