"""On a full disk every message names the file that couldn't be written."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from csearchd.search.history import History
from support.user import User


def fill(disk: Path) -> None:
    with pytest.raises(OSError, match="No space left"), (disk / "ballast").open("wb", 0) as file:
        while True:
            file.write(bytes(4096))


def test_past_queries_that_cannot_be_written(user: User, small_disk: Path) -> None:
    user.take_photos(("cat",))
    user.search("a cat", "--in", user.pictures)
    history = small_disk / "history"
    history.write_text("".join(f"{'query ' * 20}{number}\n" for number in range(300)))
    with history.open("a") as file:
        file.write(f"like {user.pictures}/cat.jpg\n")
    user.csearchctl("stop")
    user.start()
    fill(small_disk)
    done = user.csearchctl("forget", user.pictures / "cat.jpg", check=2)
    assert f"{history}: No space left on device" in done.stderr.decode()
    assert not (small_disk / "history.new").exists()
    for number in range(40):  # a last page may have room for some
        user.csearch("-g", "other words " * 30 + str(number), check=None)
    assert "None:" not in user.log() and "None cannot" not in user.log()


def test_a_history_that_cannot_be_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(str(tmp_path / "history"))
    for query in ("one", "/a/b two"):
        history.add(query)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        history.forget(b"/a/b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history"]
    assert (tmp_path / "history").read_text() == "one\n/a/b two\n"
