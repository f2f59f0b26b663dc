"""Sees to it that the library stays whole, and on the disk: chores of the running service."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import time

from csearchd.concurrency.threads import Until, setter
from csearchd.errors import LibraryError
from csearchd.serve.service import Service

log = logging.getLogger(__name__)

RESCUED = "CSEARCHD_RESCUED"  # the variable that tells a restarted service what had happened
THOROUGH = "CSEARCHD_THOROUGH"  # the same, that it is to look for damaged rows
_LOOK_SECONDS = 15.0  # between looks for the library's file
_REST_SECONDS = 1.0  # between looks for what the user has changed
_KEEP_SECONDS = 60.0  # until all else is in the database's own file


async def keep_library(service: Service) -> None:
    """Brings what is new to the disk soon, and restarts the service where its library was deleted
    or replaced, with all that it held."""
    news = asyncio.Event()
    service.library.on_commit(setter(news))
    news.set()
    kept, changed = time.monotonic(), False
    while not service.restart:
        try:
            await asyncio.wait_for(news.wait(), _LOOK_SECONDS)
        except TimeoutError:
            pass
        changed |= news.is_set()
        news.clear()
        all_of_it = changed and time.monotonic() - kept > _KEEP_SECONDS
        if all_of_it:
            kept, changed = time.monotonic(), False
        if await service.wait(_is_rescued, service, all_of_it):
            service.restart = True
            service.ending.set()
        await asyncio.sleep(_REST_SECONDS)


async def check_library(service: Service) -> None:
    """Restarts the service where rows of a large library, which weren't looked at when it was
    opened, are damaged."""
    if service.library.unchecked and await service.walk(_is_damaged, service):
        os.environ[THOROUGH] = "yes"
        service.restart = True
        service.ending.set()


def _is_damaged(_: Until, service: Service) -> bool:
    try:
        damaged = service.library.has_damage()
    except LibraryError as error:
        log.error("%s", error)
        return False
    if damaged:
        log.error("%s has damaged rows; the service restarts without them", service.library.path)
    return damaged


def _is_rescued(service: Service, all_of_it: bool) -> bool:
    """Whether the library had been lost, and its copy is to be opened in its place.

    Where it isn't, what is new is brought to the disk: `all_of_it`, or what the user has changed.
    """
    library = service.library
    try:
        if library.is_lost():
            os.environ[RESCUED] = library.rescue()
            log.error("%s; the service restarts", os.environ[RESCUED])
            return True
        if all_of_it or library.last_error or service.summary.is_outdated():
            library.checkpoint()
            service.summary.update()
            library.last_error = None
    except (LibraryError, OSError) as error:
        said = str(error)
        if isinstance(error, OSError):  # one that comes of writing doesn't name the file
            where = error.filename or os.path.dirname(library.path)
            said = f"{where}: {error.strerror or error}"
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                said = f"the disk with {where} is full; free some space on it"
        if library.is_lost():
            said = (
                f"{library.path} was deleted or moved while the service runs, and cannot be made "
                f"anew ({said}): nothing new is kept, and what is known is lost when the service "
                "stops; put things right there, and the service tries again"
            )
        if said != library.last_error:
            log.error("%s", said)
        library.last_error = said
    return False
