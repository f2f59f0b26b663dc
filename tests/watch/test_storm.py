"""Random changes of a tree, beside a service that is killed now and then: library equals disk.

The long run: CSEARCH_STORM=200 pytest tests/watch/test_storm.py
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from csearchd.formats.identity import identity
from support.user import User, wait_for
from watch.following import wait_until_equal
from watch.storm import CONTENTS, OFTEN, OPERATIONS, PAUSES, Step, Tree
from watch.test_durability import committed

ROUNDS = int(os.environ.get("CSEARCH_STORM", "4"))
SEED = int(os.environ.get("CSEARCH_STORM_SEED", "1"))
# root may read everything, unless it gives that up
PLAIN = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")

NUMBERS = st.integers(0, 1 << 12)
STEPS = st.builds(
    Step, st.sampled_from([*OPERATIONS, *OFTEN]), NUMBERS, NUMBERS, st.sampled_from(PAUSES)
)
ROUND = st.lists(STEPS, min_size=25, max_size=60)


class Service:
    """The service of a user, which can be killed, or ended properly."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.kills = 0
        self._prefix = PLAIN if os.getuid() == 0 else ()
        self._daemon = user.start(prefix=self._prefix)

    def kill(self) -> None:
        self._daemon.kill()
        self._daemon.wait()
        self.kills += 1
        wait_for(lambda: not self.user.pids("csearchd.encoder"), "the end of its encoder")
        committed(self.user)  # whole, whatever was under way

    def start(self, wait: bool) -> None:
        self._daemon = self.user.start(prefix=self._prefix, wait=wait)


def wrong_contents(user: User, top: Path) -> list[str]:
    """The pictures whose content in the library isn't what they hold."""
    with sqlite3.connect(f"file:{user.data / 'library.sqlite'}?mode=ro", uri=True) as database:
        rows = database.execute(
            "WITH RECURSIVE paths (id, path) AS (SELECT 1, x'' UNION ALL "
            "SELECT d.id, CAST(path || x'2f' || name AS BLOB) FROM directories d "
            "JOIN paths ON parent = paths.id) "
            "SELECT CAST(path || x'2f' || f.name AS BLOB), c.identity FROM files f "
            "JOIN paths ON paths.id = f.directory JOIN contents c ON c.id = f.content"
        ).fetchall()
    database.close()
    found = [(Path(os.fsdecode(path)), content) for path, content in rows]
    return [
        str(path)
        for path, content in found
        if path.is_relative_to(top) and identity(path.read_bytes(), "JPEG", 1) != content
    ]


@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_library_equals_disk_after_a_storm(user: User) -> None:
    service = Service(user)
    user.csearchctl("add", user.pictures)
    tree = None

    @seed(SEED)
    @settings(
        max_examples=ROUNDS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(ROUND, st.integers(5, 25), st.integers(1, 20), st.booleans())
    def storm(steps: list[Step], killed: int, pause: int, early: bool) -> None:
        """The service is killed after so many steps, and starts again so many later."""
        nonlocal tree
        if tree is not None:
            shutil.rmtree(tree.top)
        top = user.pictures / f"{service.kills}"
        tree = Tree(top, user.home / "outside")
        running = True
        for number, step in enumerate(steps):
            tree.change(step)
            if number == killed:
                service.kill()
                running = False
            elif number == killed + pause:
                service.start(wait=early)
                running = True
        if not running:
            service.start(wait=early)
        tree.open_all()
        wait_for(user.answers, "the service")
        wait_until_equal(user, user.pictures, 60)
        wait_for(lambda: not wrong_contents(user, top), f"{wrong_contents(user, top)}", 30)
        user.settle()
        _, vectors, encodings = committed(user)
        assert vectors == encodings <= CONTENTS
        assert "Traceback" not in user.log(), user.log()
        assert user.status()["failed"] == 0, user.csearchctl("failed").stdout

    storm()
    assert service.kills >= ROUNDS
    print(f"{service.kills} kills")
