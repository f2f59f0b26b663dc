"""What keeps folders tagged goes on, whatever goes wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from csearchd.errors import LibraryError
from csearchd.library.library import Library
from csearchd.serve.handlers import tags
from csearchd.tags import tagged_folders


def test_a_library_in_trouble_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(str(tmp_path / "library.sqlite"))
    rounds = 0

    def in_trouble(library: Library) -> dict[bytes, str]:
        nonlocal rounds
        rounds += 1
        raise LibraryError("the disk can't be read")

    async def run(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    async def no_trouble() -> None:
        pass

    async def scenario() -> None:
        service: Any = SimpleNamespace(
            library=library,
            scanner=SimpleNamespace(complete=True),
            tagging=SimpleNamespace(
                progress=0,
                is_busy=False,
                recoverable=False,
                add=lambda task: None,
                look_again=no_trouble,
            ),
            tag_news=asyncio.Event(),
            wait=run,
        )
        monkeypatch.setattr(tagged_folders, "read", in_trouble)
        monkeypatch.setattr(tags, "_KEEP_SECONDS", 0.0)
        keeping = asyncio.create_task(tags.keep_tagged(service))
        while rounds < 3:
            service.tag_news.set()
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

    async def run(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    async def look_again() -> None:
        tagging.recoverable = len(slept) != 6

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        service.tag_news.set()
        if len(slept) == 8:
            raise asyncio.CancelledError

    tagging = SimpleNamespace(progress=0, is_busy=False, recoverable=True, look_again=look_again)
    service: Any = SimpleNamespace(
        library=library,
        scanner=SimpleNamespace(complete=True),
        tagging=tagging,
        tag_news=asyncio.Event(),
        wait=run,
    )
    monkeypatch.setattr(tags.asyncio, "sleep", sleep)
    service.tag_news.wait = lambda: run(lambda: True)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(tags.keep_tagged(service))
    assert slept[:6] == [5, 10, 20, 40, 60, 60] and slept[7] == 5
    library.close()
