"""Words in pictures, from the file to the search, with the real service."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from support.lettering import written
from support.user import User, wait_for

READER = "csearchd.reader"


def test_words_are_read_after_the_looks_and_found(tmp_path: Path) -> None:
    with User(tmp_path, reads_words=True) as user:
        note, blank = user.pictures / "note.png", user.pictures / "blank.png"
        written(("Wireless password", "gooseberry 4711")).save(note)
        written(()).save(blank)
        user.csearchctl("add", user.pictures)
        assert user.search("--wait", "text:gooseberry") == [note]
        assert user.search("--wait", "text:4711") == [note]
        assert b"gooseberry 4711" in user.csearch("--text", note).stdout
        wait_for(lambda: user.status()["text"]["pending"] == 0, "all words to be read")
        assert user.status()["text"] == {"read": 2, "pending": 0, "failed": 0}
        wait_for(lambda: not user.pids(READER), "the reader to end")


def test_all_is_done_once_nothing_is_pending(tmp_path: Path) -> None:
    """A picture waits for its words before it doesn't wait to be looked at any more."""
    with User(tmp_path, reads_words=True) as user:
        for number in range(4):
            written((f"loganberry {number}",)).save(user.pictures / f"{number}.png")
        user.csearchctl("add", user.pictures)

        def settled() -> dict[str, int] | None:
            status = user.status()
            text: dict[str, int] = status["text"]
            if status["state"] != "idle" or status["pending"] or text["pending"]:
                assert text["read"] + text["pending"] + status["pending"] >= 4 or not text["read"]
                return None
            return text

        wait_for(lambda: user.status()["pending"] or user.status()["images"], "pictures")
        assert wait_for(settled, "nothing to be pending") == {"read": 4, "pending": 0, "failed": 0}


def test_words_of_a_picture_outside_the_library(tmp_path: Path) -> None:
    with User(tmp_path, reads_words=True) as user:
        page, damaged = user.home / "page.png", user.home / "damaged.png"
        written(("boysenberry 12",)).save(page)
        damaged.write_bytes(b"no picture")
        assert user.csearch("--text", page).stdout == b"boysenberry 12\n"
        (user.home / "link.png").symlink_to(page)
        assert user.csearch("--text", user.home / "link.png").stdout == b"boysenberry 12\n"
        assert b"damaged.png" in user.csearch("--text", damaged, check=2).stderr
        assert user.status()["text"] == {"read": 0, "pending": 0, "failed": 0}


def test_turning_it_off_ends_the_reader(tmp_path: Path) -> None:
    with User(tmp_path, reads_words=True) as user:
        for number in range(3):
            written((f"mulberry {number} " * 3,) * 6).save(user.pictures / f"{number}.png")
        user.csearchctl("add", user.pictures)
        wait_for(lambda: user.pids(READER), "a reader")
        user.config.parent.mkdir(parents=True, exist_ok=True)
        user.config.write_text("[text]\nenabled = false\n")
        user.csearchctl("reload")
        wait_for(lambda: not user.pids(READER), "the reader to end")
        assert user.status()["text"]["pending"] == 0
        user.config.write_text("")
        user.csearchctl("reload")
        assert len(user.search("--wait", "text:mulberry")) == 3


def test_a_reader_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    with User(tmp_path, reads_words=True) as user:
        for number in range(3):
            written((f"cranberry {number}",)).save(user.pictures / f"{number}.png")
        user.csearchctl("add", user.pictures)
        pid = wait_for(lambda: user.pids(READER), "a reader")[0]
        os.kill(pid, signal.SIGKILL)
        assert len(user.search("--wait", "text:cranberry")) == 3
        assert user.status()["text"]["failed"] == 0


def test_a_recogniser_that_cannot_be_loaded_is_said(tmp_path: Path) -> None:
    """No picture is to blame, and nobody waits for it."""
    with User(tmp_path, reads_words=True) as user:
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "zxingcpp.py").write_text("raise ImportError('no libzxing')")
        user.environment["PYTHONPATH"] = str(tmp_path / "broken")
        written(("dewberry",)).save(user.pictures / "note.png")
        user.csearchctl("add", user.pictures)
        done = user.csearch("--wait", "text:dewberry", check=None)
        assert done.stdout == b"" and b"no libzxing" in done.stderr
        assert b"no libzxing" in user.csearch("--text", user.pictures / "note.png", check=2).stderr
        status = user.status()
        assert status["text"]["failed"] == 0 and "no libzxing" in status["text_reason"]
        del user.environment["PYTHONPATH"]
        user.csearchctl("stop")
        assert len(user.search("--wait", "text:dewberry")) == 1


def test_words_are_not_read_where_that_is_turned_off(tmp_path: Path) -> None:
    with User(tmp_path, reads_words=True) as user:
        user.config.parent.mkdir(parents=True, exist_ok=True)
        user.config.write_text("[text]\nenabled = false\n")
        written(("elderberry",)).save(user.pictures / "note.png")
        user.csearchctl("add", user.pictures)
        user.settle()
        assert user.search("text:elderberry", check=None) == []
        status = json.loads(user.csearchctl("status", "--json").stdout)
        assert status["text"] == {"read": 0, "pending": 0, "failed": 0}
        assert not user.pids(READER)
