"""Files that a scan finds: whether they are still being written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from csearchd.system.writers import may_have_writer


def test_only_an_open_file_has_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    with path.open("wb") as file:
        file.write(b"begun")
        file.flush()
        assert may_have_writer(os.fsencode(path))
    if may_have_writer(os.fsencode(path)):
        pytest.skip(f"{tmp_path} is on a file system without leases")
    with path.open("rb"), path.open("ab"):
        assert may_have_writer(os.fsencode(path))
    with path.open("rb"):
        assert not may_have_writer(os.fsencode(path))


def test_what_cannot_be_asked_may_have_one(tmp_path: Path) -> None:
    (tmp_path / "link.jpg").symlink_to(tmp_path)
    for name in ("link.jpg", "gone.jpg"):
        assert may_have_writer(os.fsencode(tmp_path / name))
