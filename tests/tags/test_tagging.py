"""Tasks are finished even if taggers end before they have done their items."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.timed_calls import TimedCalls
from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.tags import tagged_folders
from csearchd.tags.task_queue import TaggingQueue
from csearchd.tags.tasks import Task
from csearchd.watch.directory_listing import read_listing
from csearchd.watch.rules import Rules
from support.photos import write_drawn


class SlowScoring:
    """Chooses tags only when the test lets it go on."""

    def __init__(self) -> None:
        self.begun, self.may_go_on = threading.Event(), threading.Event()

    def edition(self, active_model: object) -> str:
        return "edition"

    def tags(self, active_model: object, files: list[int]) -> dict[int, list[tuple[str, float]]]:
        self.begun.set()
        assert self.may_go_on.wait(30)
        return {file: [("sky", 0.9)] for file in files}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """A library with three pictures that have been read."""
    write_drawn(tmp_path / "pictures", 3)
    one = Library(str(tmp_path / "library.sqlite"), str(tmp_path))
    listing = read_listing(os.fsencode(tmp_path / "pictures"), Rules(False, ()))
    assert listing is not None
    listings.apply(one, listing)
    with one.write() as database:
        database.execute("UPDATE files SET due = 0")
    yield one
    one.close()


def of_write(
    library: Library, scoring: Any, threads: ThreadPoolExecutor
) -> tuple[TaggingQueue, Task]:
    """A task with all pictures, and no tagger of its own."""
    models: Any = SimpleNamespace(active_model=SimpleNamespace(model=SimpleNamespace(name="m")))
    tagging = TaggingQueue(
        library,
        models,
        scoring,
        "",
        lambda path: None,
        threads,
        Supervisor(),
        TimedCalls(9).call,
    )
    task = Task.write("xattr", tagged_folders.files_below(library, b"/"))
    assert task.total == 3
    tagging.add(task)
    tagging.stop()
    return tagging, task


def test_a_tagger_that_goes_before_it_was_given_anything(library: Library) -> None:
    scoring = SlowScoring()

    async def scenario() -> None:
        with ThreadPoolExecutor(2) as threads:
            tagging, task = of_write(library, scoring, threads)
            files = sorted(task.files)
            connection = asyncio.create_task(anext(tagging.work()))
            await asyncio.to_thread(scoring.begun.wait, 30)
            connection.cancel()
            asyncio.get_running_loop().call_later(0.05, scoring.may_go_on.set)
            await asyncio.gather(connection, return_exceptions=True)
            assert not task.finished.is_set()
            assert sorted(task.files) == files

    asyncio.run(scenario())


def test_nothing_is_given_of_a_task_that_was_cancelled_meanwhile(library: Library) -> None:
    scoring = SlowScoring()

    async def scenario() -> None:
        with ThreadPoolExecutor(2) as threads:
            tagging, task = of_write(library, scoring, threads)
            connection = asyncio.create_task(anext(tagging.work(), None))
            await asyncio.to_thread(scoring.begun.wait, 30)
            task.cancel()
            scoring.may_go_on.set()
            assert await connection is None
            assert task.finished.is_set() and not tagging.is_busy

    asyncio.run(scenario())


def test_what_is_to_be_tried_again_is_no_progress(library: Library) -> None:
    """Otherwise folders that are kept tagged would be tried all the time."""
    scoring = SlowScoring()
    scoring.may_go_on.set()

    async def scenario() -> None:
        with ThreadPoolExecutor(2) as threads:
            tagging, task = of_write(library, scoring, threads)
            work = tagging.work()
            given = await anext(work)
            reports = (("gone", False), ("left", True), ("left", False))
            entries = [
                {
                    **item,
                    "outcome": outcome,
                    "passing": is_transient,
                    "reason": "why",
                    "record": None,
                }
                for item, (outcome, is_transient) in zip(given, reports, strict=True)
            ]
            await tagging.done(entries)
            assert (task.done, tagging.progress) == (3, 1)

    asyncio.run(scenario())
