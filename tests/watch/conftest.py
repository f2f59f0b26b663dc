"""What the tests of a watched directory share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.photos import write_drawn
from support.user import User


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user whose one root is watched, and whose encoder is warm."""
    with User(tmp_path_factory.mktemp("s")) as someone:
        write_drawn(someone.pictures / "known", 8)
        someone.start()
        someone.csearchctl("add", someone.pictures)
        assert someone.settle()["images"] == 8
        yield someone


@pytest.fixture
def folder(watching: User) -> Path:
    """A new directory in the root."""
    directory = watching.pictures / f"folder-{len(list(watching.pictures.iterdir()))}"
    directory.mkdir()
    return directory
