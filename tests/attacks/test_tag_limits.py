"""No room, no descriptors, a broken vocabulary, a service that was killed: said truly, and mended.

What is left alone for want of room is tried again.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.timed_calls import TimedCalls
from csearchd.errors import LibraryError, SkippedFile, VocabularyError
from csearchd.library.library import Library
from csearchd.scoring.vocabulary import read_vocabulary
from csearchd.tags import ledger
from csearchd.tags.locations import TagLocation
from csearchd.tags.task_queue import TaggingQueue
from csearchd.tags.tasks import Task
from support.photos import write_photos
from support.user import SECONDS, User, wait_for
from tags.bench import Bench
from tags.pictures import make

FULL = [errno.ENOSPC, errno.EDQUOT]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path / "library")
    yield one
    one.close()


@pytest.mark.parametrize("number", FULL)
@pytest.mark.parametrize("call", ["setxattr", "write", "fsync"])
def test_what_finds_no_room_is_tried_again(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    path = make(tmp_path, "jpg")
    is_transient = []
    ask = bench.tagger._ask

    def asked(op: str, **arguments: Any) -> dict[str, Any]:
        if op == "tags-done":
            is_transient.extend(entry["passing"] for entry in arguments["entries"])
        return ask(op, **arguments)

    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    bench.tagger._ask = asked  # type: ignore[method-assign]
    os.setxattr(path, "user.own", b"v")  # is carried over to the new file
    mode = "xattr" if call == "setxattr" else "sidecar"
    modes = [mode, "embedded"]
    with monkeypatch.context() as patched:
        patched.setattr(os, call, refused)
        assert [bench.write(one, ["sky"], path) for one in modes] == [["left"], ["left"]]
    assert is_transient == [True, True]
    assert [bench.write(one, ["sky"], path) for one in modes] == [["written"], ["written"]]


def test_a_ledger_without_room_is_named_until_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(str(tmp_path / "library.sqlite"))
    full = "the disk with library.sqlite is full; free some space on it"

    room = threading.Event()

    def refused(*_: object) -> None:
        if not room.is_set():
            raise LibraryError(full)

    async def scenario() -> None:
        with ThreadPoolExecutor(2) as threads:
            models: Any = SimpleNamespace(active_model=None)
            scoring: Any = None
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
            task = Task.undo([TagLocation(None, b"/a.jpg", "xattr", None)])
            tagging.add(task)
            tagging.stop()
            work = tagging.work()
            (item,) = await anext(work)
            with pytest.raises(KeyError):  # of an earlier service
                await tagging.intend([{"item": item["item"] - 1, "row": None, "record": None}])
            with monkeypatch.context() as patched:
                patched.setattr(ledger, "intend", refused)
                patched.setattr(Library, "probe", refused)
                with pytest.raises(LibraryError):
                    await tagging.intend([{"item": item["item"], "row": None, "record": None}])
                assert task.finished.is_set() and task.error == full
                await tagging.check_error()
                assert tagging.last_error == full
            room.set()
            await tagging.check_error()
            assert tagging.last_error is None
            await work.aclose()

    asyncio.run(scenario())
    library.close()


def test_a_vocabulary_that_was_broken_is_noticed_when_it_is_mended(user: User) -> None:
    write_photos(user.pictures, ("cat",))
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[tags]\nconfidence = 1\n")
    vocabulary = user.config.with_name("vocabulary.txt")
    vocabulary.write_text("oops, this: is wrong\n")
    user.csearchctl("tags", "on", "--mode", "xattr", user.pictures)
    trouble = wait_for(lambda: user.status()["tags"]["trouble"], "the trouble")
    assert "vocabulary.txt, line 1" in trouble
    vocabulary.write_text("my cat: a cat\n")
    wait_for(lambda: user.status()["tags"]["trouble"] is None, "the trouble's end")
    wait_for(lambda: os.listxattr(user.pictures / "cat.jpg"), "tags", 2 * SECONDS)


def test_a_vocabulary_that_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.txt"
    os.mkfifo(path)
    with pytest.raises(VocabularyError, match="not a regular file"):
        read_vocabulary(str(path))


def test_few_descriptors_leave_no_picture_alone(user: User) -> None:
    if not shutil.which("prlimit"):
        pytest.skip("prlimit is not installed (Debian: util-linux)")
    (path,) = write_photos(user.pictures, ("cat",))
    for number in range(40):
        shutil.copy2(path, user.pictures / f"{number:03}.jpg")
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[tags]\nconfidence = 1\n")
    user.start(prefix=("prlimit", "--nofile=64:64"))
    for mode in ("sidecar", "xattr"):
        done = user.csearchctl("tags", "write", "--mode", mode, user.pictures)
        assert done.stdout == b"41 pictures tagged\n"


def test_one_pictures_surprise_costs_no_other(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = make(tmp_path, "jpg", 1), make(tmp_path, "jpg", 2)
    carrier = bench.tagger._carriers["xattr"]
    read_state = carrier.read_state

    def surprised(path: bytes, top: bytes) -> Any:
        if path == bytes(one):
            raise RecursionError
        return read_state(path, top)

    monkeypatch.setattr(carrier, "read_state", surprised)
    assert bench.write("xattr", ["sky"], one, other) == ["left", "written"]
    assert SkippedFile.__name__ not in bench.reasons[bytes(one)]
