"""What keeps folders tagged goes on, whatever goes wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from csearchd.library.database import LibraryError
from csearchd.library.library import Library
from csearchd.serve import tags
from csearchd.tags import folders


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
            run=run,
        )
        monkeypatch.setattr(folders, "folders", in_trouble)
        monkeypatch.setattr(tags, "_KEEP_SECONDS", 0.0)
        keeping = asyncio.create_task(tags.keep_tagged(service))
        while rounds < 3:
            service.tag_news.set()
            await asyncio.sleep(0)
            assert not keeping.done()
        keeping.cancel()

    asyncio.run(scenario())
    library.close()
