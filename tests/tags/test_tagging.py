"""What is to be done is done, whatever becomes of the taggers that it was given to."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.tags import folders
from csearchd.tags.tagging import Tagging
from csearchd.tags.tasks import Task
from csearchd.watch.disk import read_listing
from csearchd.watch.rules import Rules
from support.photos import write_drawn


class SlowScoring:
    """Takes its time to choose words: until it may go on."""

    def __init__(self) -> None:
        self.begun, self.may_go_on = threading.Event(), threading.Event()

    def edition(self, serving: object) -> str:
        return "edition"

    def words(self, serving: object, files: list[int]) -> dict[int, list[tuple[str, float]]]:
        self.begun.set()
        assert self.may_go_on.wait(30)
        return {file: [("sky", 0.9)] for file in files}


def test_a_tagger_that_goes_before_it_was_given_anything(tmp_path: Path) -> None:
    write_drawn(tmp_path / "pictures", 3)
    library = Library(str(tmp_path / "library.sqlite"), str(tmp_path))
    listing = read_listing(os.fsencode(tmp_path / "pictures"), Rules(False, ()))
    assert listing is not None
    listings.apply(library, listing)
    files = folders.below(library, os.fsencode(tmp_path / "pictures"))
    assert len(files) == 3
    scoring: Any = SlowScoring()
    models: Any = SimpleNamespace(serving=SimpleNamespace(model=SimpleNamespace(name="m")))

    async def scenario() -> list[int]:
        with ThreadPoolExecutor(2) as threads:
            tagging = Tagging(library, models, scoring, "", lambda path: None, threads)
            task = Task.write("xattr", files)
            tagging.add(task)
            tagging.stop()  # no tagger of its own
            connection = asyncio.create_task(anext(tagging.work()))
            await asyncio.to_thread(scoring.begun.wait, 30)
            connection.cancel()
            asyncio.get_running_loop().call_later(0.05, scoring.may_go_on.set)
            await asyncio.gather(connection, return_exceptions=True)
            assert not task.finished.is_set()
            return sorted(task.files)

    assert asyncio.run(scenario()) == files
    library.close()
