"""The log that a service writes which a client has started: it never takes more than 5 MB."""

from __future__ import annotations

from pathlib import Path

import pytest
from home import Home

from csearchd.unexpected import unexpected
from support.user import wait_for

LIMIT = 5_000_000


def size(log: Path) -> int:
    """Of the log, and of older lines beside it."""
    return sum(file.stat().st_size for file in log.parent.glob("csearchd.log*"))


def test_it_is_rotated_while_the_service_runs(home: Home) -> None:
    log = home.home / ".cache" / "csearch" / "csearchd.log"
    log.parent.mkdir(parents=True)
    line = b"x" * 99 + b"\n"
    log.write_bytes(line * 49_000)
    home.csearchctl("start")
    older = log.with_name("csearchd.log.1")
    wait_for(lambda: older.exists() and size(log) < LIMIT, "older lines in a file beside it")
    assert older.stat().st_mode & 0o077 == 0
    assert older.read_bytes().count(line) > 20_000 and b"ready with" in older.read_bytes()
    inode = log.stat().st_ino
    with log.open("ab") as file:  # as a child of the service
        file.write(b"y" * 99 + b"\n")
        file.write(line * 26_000)
    wait_for(lambda: log.stat().st_size < 1000, "the second rotation")
    assert log.stat().st_ino == inode and size(log) < LIMIT
    assert older.read_bytes().endswith(line)
    home.csearchctl("stop")
    assert log.read_bytes() and size(log) < LIMIT


def test_a_file_of_the_users_own_is_left_alone(home: Home) -> None:
    home.home.joinpath("csearchd.log").write_bytes(b"x" * 6_000_000)
    home.start()  # writes there
    home.csearchctl("stop")
    assert home.home.joinpath("csearchd.log").stat().st_size > 6_000_000


def test_messages_refer_to_the_journal_under_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1234")
    assert "journalctl --user -u csearchd.service tells more" in str(unexpected())
