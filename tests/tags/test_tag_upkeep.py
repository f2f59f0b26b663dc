"""The task that keeps folders tagged survives any error."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from csearchd.errors import LibraryError
from csearchd.library.library import Library
from csearchd.serve import tag_upkeep
from csearchd.serve.tag_upkeep import TagUpkeep
from csearchd.tags import tagged_folders


async def run(function: Any, *arguments: Any) -> Any:
    return function(*arguments)


WORKERS: Any = SimpleNamespace(wait=run)
SCANNER: Any = SimpleNamespace(complete=True)
NOT_USED: Any = None


def test_a_library_in_trouble_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(str(tmp_path / "library.sqlite"))
    rounds = 0

    def in_trouble(library: Library) -> dict[bytes, str]:
        nonlocal rounds
        rounds += 1
        raise LibraryError("the disk can't be read")

    async def no_trouble() -> None:
        pass

    async def scenario() -> None:
        tagging: Any = SimpleNamespace(
            progress=0,
            is_busy=False,
            recoverable=False,
            add=lambda task: None,
            check_error=no_trouble,
        )
        upkeep = TagUpkeep(library, NOT_USED, SCANNER, tagging, WORKERS)
        monkeypatch.setattr(tagged_folders, "read", in_trouble)
        monkeypatch.setattr(tag_upkeep, "_KEEP_SECONDS", 0.0)
        keeping = asyncio.create_task(upkeep.keep_tagged())
        while rounds < 3:
            upkeep.look()
            await asyncio.sleep(0)
            assert not keeping.done()
        keeping.cancel()

    asyncio.run(scenario())
    library.close()


def test_a_trouble_that_stays_is_looked_at_less_and_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(str(tmp_path / "library.sqlite"))
    slept: list[float] = []

    async def check_error() -> None:
        tagging.recoverable = len(slept) != 6

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 8:
            raise asyncio.CancelledError

    async def scenario() -> None:
        upkeep = TagUpkeep(library, NOT_USED, SCANNER, tagging, WORKERS)
        keeping = asyncio.ensure_future(upkeep.keep_tagged())
        while not keeping.done():
            upkeep.look()
            await before(0)
        await keeping

    before = asyncio.sleep
    tagging: Any = SimpleNamespace(
        progress=0, is_busy=False, recoverable=True, check_error=check_error
    )
    monkeypatch.setattr(tag_upkeep.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario())
    assert slept[:6] == [5, 10, 20, 40, 60, 60] and slept[7] == 5
    library.close()
