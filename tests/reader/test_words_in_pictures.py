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
    with User(tmp_path) as user:
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


def test_a_reader_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    with User(tmp_path) as user:
        for number in range(3):
            written((f"cranberry {number}",)).save(user.pictures / f"{number}.png")
        user.csearchctl("add", user.pictures)
        pid = wait_for(lambda: user.pids(READER), "a reader")[0]
        os.kill(pid, signal.SIGKILL)
        assert len(user.search("--wait", "text:cranberry")) == 3
        assert user.status()["text"]["failed"] == 0


def test_words_are_not_read_where_that_is_turned_off(tmp_path: Path) -> None:
    with User(tmp_path) as user:
        user.config.parent.mkdir(parents=True)
        user.config.write_text("[text]\nenabled = false\n")
        written(("elderberry",)).save(user.pictures / "note.png")
        user.csearchctl("add", user.pictures)
        user.settle()
        assert user.search("text:elderberry", check=None) == []
        status = json.loads(user.csearchctl("status", "--json").stdout)
        assert status["text"] == {"read": 0, "pending": 0, "failed": 0}
        assert not user.pids(READER)
