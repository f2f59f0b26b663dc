"""Sees to it that the library stays on the disk: a chore of the running service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os

from csearchd.library.database import LibraryError
from csearchd.serve.service import Service

log = logging.getLogger(__name__)

RESCUED = "CSEARCHD_RESCUED"  # the variable that tells a restarted service what had happened
_LOOK_SECONDS = 15.0  # between looks for the library's file
_REST_SECONDS = 1.0  # between changes that are brought to the disk


async def keep_library(service: Service) -> None:
    """Brings what is new to the disk soon, and restarts the service where its library was deleted
    or replaced, with all that it held."""
    loop = asyncio.get_running_loop()
    news = asyncio.Event()

    def tell() -> None:  # called in any thread
        with contextlib.suppress(RuntimeError):  # the daemon ends
            loop.call_soon_threadsafe(news.set)

    service.library.on_commit(tell)
    news.set()
    while not service.restart:
        try:
            await asyncio.wait_for(news.wait(), _LOOK_SECONDS)
        except TimeoutError:
            pass
        news.clear()
        if await service.run(_is_rescued, service):
            service.restart = True
            service.ending.set()
        await asyncio.sleep(_REST_SECONDS)


def _is_rescued(service: Service) -> bool:
    """Whether the library had been lost, and its copy is to be opened in its place."""
    library = service.library
    try:
        if library.is_lost():
            os.environ[RESCUED] = library.rescue()
            log.error("%s; the service restarts", os.environ[RESCUED])
            return True
        library.checkpoint()
        service.summary.update()
        library.trouble = None
    except (LibraryError, OSError) as error:
        said = str(error)
        if isinstance(error, OSError):  # one that comes of writing doesn't name the file
            where = error.filename or os.path.dirname(library.path)
            said = f"{where}: {error.strerror or error}"
        if library.is_lost():
            said = (
                f"{library.path} was deleted or moved while the service runs, and cannot be made "
                f"anew ({said}): nothing new is kept, and what is known is lost when the service "
                "stops; put things right there, and the service tries again"
            )
        if said != library.trouble:
            log.error("%s", said)
        library.trouble = said
    return False
