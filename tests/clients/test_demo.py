"""csearch --demo: photos that come with csearch, in a library that is gone afterwards."""

from __future__ import annotations

import json
import os
import resource
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from csearch.demo.service import PHOTOS
from support.user import User, wait_for

PLAIN = {
    "a cup of coffee": "coffee.jpg",
    "a cat": "cat.jpg",
    "a woman in uniform": "astronaut.jpg",
    "a rocket launch": "rocket.jpg",
    "a man with a camera": "photographer.jpg",
    "a brick wall": "brick-wall.jpg",
    "grass": "grass.jpg",
    "stars in the night sky": "stars.jpg",
    "a horse": "horse.jpg",
}
NAMES = sorted(path.name for path in Path(PHOTOS).glob("*.jpg"))


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[User]:
    """A user without pictures, and with a temporary directory of their own."""
    with (
        tempfile.TemporaryDirectory(prefix="d", dir="/tmp") as temporary,
        User(tmp_path, reads_words=True) as user,
    ):
        user.pictures.rmdir()
        user.environment["TMPDIR"] = temporary
        yield user


def leftovers(user: User) -> list[str]:
    """Temporary files, and what is in the user's directories."""
    ours = [path for path in user.home.rglob("*") if path != user.runtime]
    return [*os.listdir(user.environment["TMPDIR"]), *map(str, ours)]


def running(user: User) -> list[int]:
    modules = ("csearch.demo", "csearchd", "csearchd.encoder")
    return [pid for module in modules for pid in user.pids(module)]


def names(output: bytes) -> list[str]:
    return [os.path.basename(os.fsdecode(path)) for path in output.splitlines()]


def test_it_prints_paths_and_leaves_nothing(newcomer: User) -> None:
    done = newcomer.csearch("--demo", "a cup of coffee")
    assert names(done.stdout)[0] == "coffee.jpg"
    assert sorted(names(done.stdout)) == NAMES
    assert all(os.path.isfile(path) for path in done.stdout.splitlines())
    assert running(newcomer) == [] and leftovers(newcomer) == []


def test_each_photo_is_first_for_what_it_shows(newcomer: User) -> None:
    """The demo's service is asked as a user's own is, since it would be started for each query."""
    assert sorted(PLAIN.values()) == NAMES
    newcomer.search("anything", "--in", PHOTOS)
    found = {query: newcomer.search(query, "--in", PHOTOS)[0].name for query in PLAIN}
    assert found == PLAIN


def test_the_other_ways_to_show_results(newcomer: User) -> None:
    (line,) = newcomer.csearch("--demo", "-t", 1, "--json", "a cat").stdout.splitlines()
    assert json.loads(line)["path"] == os.path.join(PHOTOS, "cat.jpg")
    sheet = newcomer.home / "sheet.png"
    assert newcomer.csearch("--demo", "-0", "-t1", "--grid", sheet, "a cat").stdout.endswith(b"\0")
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert newcomer.csearch("--demo", "--count", "type:jpeg").stdout == b"%d\n" % len(NAMES)
    like = ("--like", os.path.join(PHOTOS, "cat.jpg"), "--format", "{name}")
    assert newcomer.csearch("--demo", "-t1", *like, "a horse").stdout == b"horse.jpg\n"


@pytest.mark.parametrize("option", [("--in", "."), ("-g",), ("--window",)])
def test_other_places_are_refused(newcomer: User, option: tuple[str, ...]) -> None:
    told = newcomer.csearch("--demo", *option, "a cat", check=2).stderr
    assert b"doesn't go with" in told and b"--demo" in told
    assert leftovers(newcomer) == []


def test_the_photos_get_into_no_library(newcomer: User) -> None:
    """Not even where the directory that they are in is searched."""
    newcomer.csearch("--demo", "a cat")
    newcomer.csearch("--in", Path(PHOTOS).parent, "a cat", check=1)
    newcomer.csearch("-g", "a cat", check=1)
    assert newcomer.status()["images"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_may_be_interrupted(newcomer: User, number: signal.Signals) -> None:
    begun = newcomer.begin("csearch.search", "--demo", "a cat")
    wait_for(lambda: newcomer.pids("csearchd"), "the demo's service")
    begun.send_signal(number)
    begun.communicate()
    wait_for(lambda: not running(newcomer), "the end of the demo's service")
    wait_for(lambda: not leftovers(newcomer), "the end of its files")


def test_two_at_once(newcomer: User) -> None:
    both = [newcomer.begin("csearch.search", "--demo", "a cup of coffee") for _ in range(2)]
    for one in both:
        output, _ = one.communicate()
        assert one.returncode == 0 and names(output)[0] == "coffee.jpg"


def test_a_user_without_pictures_hears_of_it(newcomer: User) -> None:
    told = newcomer.csearch("--in", newcomer.pictures, "a dog", check=2).stderr.splitlines()
    assert [b"--demo" in line for line in told] == [True]
    newcomer.pictures.mkdir()
    told = newcomer.csearch("--in", newcomer.pictures, "a dog", check=1).stderr.splitlines()
    assert [b"--demo" in line for line in told] == [True]


def test_it_says_why_it_cannot_start(newcomer: User) -> None:
    done = newcomer.csearch(
        "--demo",
        "a cat",
        check=2,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)),
    )
    assert done.stderr.startswith(b"csearch: the demo cannot be started: ")
    assert b"files" in done.stderr
    assert leftovers(newcomer) == []


def test_together_they_are_small_and_have_sources() -> None:
    assert sum(os.path.getsize(os.path.join(PHOTOS, name)) for name in NAMES) < 600_000
    sources = (Path(PHOTOS) / "SOURCES.txt").read_text()
    assert [name for name in NAMES if f"\n{name} " not in sources] == []
