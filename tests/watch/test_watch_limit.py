"""inotify watches that are left to other programs."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from csearchd.watch import watches
from csearchd.watch.annex.content_watches import ContentWatches
from csearchd.watch.inotify import Inotify
from csearchd.watch.watches import Watches, watch_limit


def made(top: Path, number: int) -> list[bytes]:
    """New directories."""
    paths = [top / f"{each}" for each in range(number)]
    for path in paths:
        path.mkdir()
    return [os.fsencode(path) for path in paths]


def taken(watches: Watches, paths: list[bytes]) -> list[bytes]:
    """Those of some directories that could be watched."""
    found = []
    for path in paths:
        try:
            watches.watch(watches.make(path))
        except OSError as error:
            assert error.errno == errno.EDQUOT
        else:
            found.append(path)
    return found


@pytest.mark.parametrize(
    ("limit", "reserve"),
    [(12, 3), (1000, 250), (1001, 1000), (2000, 1000), (8192, 2048), (1_000_000, 250_000)],
)
def test_a_quarter_is_left(limit: int, reserve: int) -> None:
    assert watches._reserve(limit) == reserve


def test_there_are_no_more_than_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = [40]
    monkeypatch.setattr(watches, "watch_limit", lambda: limit[0])
    some, paths = Watches(Inotify()), made(tmp_path, 50)
    assert taken(some, paths) == paths[:30]
    assert taken(some, paths) == paths[:30]  # those that are watched stay
    some.unwatch(some.make(paths[0]))
    assert taken(some, paths[30:]) == [paths[30]]
    limit[0] = 400
    assert taken(some, paths) == paths


def test_contents_of_an_annex_take_nothing_of_the_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "watch_limit", lambda: 40)
    some, paths = Watches(Inotify()), made(tmp_path, 12)
    objects = tmp_path / ".git" / "annex" / "objects"
    objects.mkdir(parents=True)
    contents = [path + b"/content" for path in made(objects, 50)]
    assert taken(some, paths) == paths
    node, annex = some.make(paths[0]), ContentWatches(some._inotify, some)
    assert annex.update(node, contents)
    assert some.used == 30
    assert not annex.update(node, contents)
    assert some.used == 30
    some.unwatched = annex.forget
    some.unwatch(node)
    assert some.used == 11


def test_half_is_given_up_where_others_have_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "watch_limit", lambda: 40)
    some, paths = Watches(Inotify()), made(tmp_path, 20)
    some.make(paths[19]).is_root = True
    assert taken(some, paths[:16] + paths[19:]) == paths[:16] + paths[19:]
    assert some.leave_room() == paths[15:7:-1]
    assert some.used == some.count == 9
    assert taken(some, paths[8:12]) == []
    monkeypatch.setattr(watches, "_FULL_SECONDS", 0.0)
    some.leave_room()
    assert taken(some, paths[8:12]) == paths[8:12]  # after a while it is tried again


def test_the_limit_is_read() -> None:
    assert 0 < watch_limit() <= int(Path("/proc/sys/fs/inotify/max_user_watches").read_text())
