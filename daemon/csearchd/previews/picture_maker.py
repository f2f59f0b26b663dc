"""Pictures for viewing, as JPEGs: a child process decodes what the desktop itself may not be able
to."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import suppress

from csearch.protocol.wire import MAX_REPLY, Message, ProtocolError, Unpacker, pack
from csearchd.errors import RequestError
from csearchd.reasons import OTHER, PATH

log = logging.getLogger(__name__)

_SECONDS = 30.0  # then a decoder hangs
_IDLE_SECONDS = 20.0  # then the process ends


class PictureMaker:
    """Decodes one picture after the other."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._ending: asyncio.TimerHandle | None = None

    async def jpeg(self, path: bytes, pixels: int) -> bytes:
        """The picture at `path`, whose longer side has at most so many pixels. Raises
        RequestError."""
        request = {"path": path, "width": pixels, "height": pixels, "form": "jpeg"}
        async with self._turn:
            if self._ending:
                self._ending.cancel()
            try:
                reply = await asyncio.wait_for(self._ask(request), _SECONDS)
            except BaseException as error:  # what it was asked must not be the next answer
                self.stop()
                if not isinstance(error, OSError | EOFError | TimeoutError | ProtocolError):
                    raise
                log.info("the decoder failed at %s: %s", os.fsdecode(path), error)
                reply = {"reason": "it can't be decoded"}
            loop = asyncio.get_running_loop()
            self._ending = loop.call_later(_IDLE_SECONDS, self.stop)
        if "data" not in reply:
            why = PATH(path=path, reason=OTHER(text=reply["reason"]))
            raise RequestError("picture", why)
        data: bytes = reply["data"]
        return data

    async def _ask(self, request: Message) -> Message:
        """Raises OSError or EOFError where the process has ended."""
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "csearchd.previews.thumbnails"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(pack(request))
        await self._process.stdin.drain()
        unpacker = Unpacker(MAX_REPLY)
        while data := await self._process.stdout.read(1 << 18):
            for reply in unpacker.feed(data):
                return reply
        raise EOFError("it has ended")

    def stop(self) -> None:
        """Ends the process."""
        if self._process:
            with suppress(ProcessLookupError):
                self._process.kill()
            self._process = None
