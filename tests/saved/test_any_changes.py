"""Whatever happens to pictures, the folders of saved searches show what asking in full gives."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from support.album import write_photo, xmp
from support.user import User, wait_for

SUBJECTS = ("cat", "horse", "moon", "rocket", "coffee", "coins")
FOLDERS = ("a", "b", "b/c")
NAMES = ("one", "two", "moonlight", "cat 3", "coffee", "red coffee", "harbour")
SEARCHES = {
    "cats": ("a cat",),
    "two moons": ("the moon", "--top", "2"),
    "dated horses": ("a horse after:2024",),
    "latest": ("", "--sort", "date", "--top", "3"),
    "oldest": ("", "--sort", "date", "--reverse", "--top", "3"),
    "sure": ("a rocket", "--min-confidence", "strong", "--sort", "name"),
    "old": ("before:2024",),
    "fast": ("iso:>400",),
    "here": ('near:"38.7,-9.1,10km"',),
    "tagged": ("tag:beach",),
    "untagged": ("not:tag:beach name:o",),
    "inside": ("folder:b rating:>2",),
    "below": ("after:2023", "--in", "b"),
    "named": ("a cup of coffee",),
    "of several words": ("a red harbour at moonlight",),
    "of a part": ("moon harbour rating:>0",),
    "of a keyword": ("zebra beach", "--in", "b"),
}

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("a")) as someone:
        for folder in FOLDERS:
            (someone.pictures / folder).mkdir()
        for number, subject in enumerate(SUBJECTS):
            write_photo(someone.pictures / "b" / f"{number}.jpg", subject)
        someone.csearchctl("add", someone.pictures)
        someone.settle()
        for name, search in SEARCHES.items():
            someone.csearchctl("saved", "add", name, *search, cwd=someone.pictures)
        yield someone


def files(pictures: Path) -> list[Path]:
    return sorted(pictures.rglob("*.jpg"))


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Of the pictures below a directory."""
    kind = draw(st.sampled_from(("new", "copied", "renamed", "deleted", "tagged", "folder")))
    name, number = draw(st.sampled_from(NAMES)), draw(st.integers(0, 30))
    place = draw(st.sampled_from(FOLDERS))
    subject = draw(st.sampled_from(SUBJECTS))
    year, iso = draw(st.integers(2022, 2026)), draw(st.sampled_from((0, 100, 800)))
    here = draw(st.sampled_from((None, (38.7, -9.1))))
    tags, stars = draw(st.sampled_from(((), ("beach",)))), draw(st.integers(0, 5))

    def change(pictures: Path) -> None:
        target = pictures / place / f"{name}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        known = files(pictures)
        some = known[number % len(known)] if known else target
        if kind == "new" or not known:
            taken = f"{year}:01:01 12:00:00"
            write_photo(target, subject, taken=taken, iso=iso, place=here)
        elif kind == "copied" and some != target:
            shutil.copy(some, target)
        elif kind == "renamed":
            some.rename(target)
        elif kind == "deleted":
            some.unlink()
        elif kind == "tagged":
            some.with_name(f"{some.name}.xmp").write_bytes(xmp(tags, stars))
        elif kind == "folder" and (pictures / "a").exists() and not (pictures / name).exists():
            (pictures / "a").rename(pictures / name)

    return change


@settings(
    deadline=None,
    max_examples=10,
    phases=[Phase.generate],  # each goes on where the one before has ended
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(changes(), min_size=1, max_size=6))
def test_folders_show_what_asking_in_full_gives(owner: User, happening: list[Change]) -> None:
    for change in happening:
        change(owner.pictures)
    owner.settle()
    for name in SEARCHES:
        try:
            wait_for(lambda name=name: shown(owner, name) == asked(owner, name), name)
        except AssertionError:
            raise AssertionError((name, shown(owner, name), asked(owner, name))) from None


def shown(user: User, name: str) -> list[str]:
    """What the links lead to, in the order of their names; none of them while it changes."""
    folder = user.data / "saved" / name
    try:
        return [os.readlink(folder / link) for link in sorted(os.listdir(folder))]
    except FileNotFoundError:
        return []


def asked(user: User, name: str) -> list[str]:
    """What is at least fair or found by name, unless the search says what the least is."""
    given = SEARCHES[name]
    output = user.csearch("--json", "--saved", name, "--top", "500", check=None).stdout
    hits = [json.loads(line) for line in output.splitlines()]
    if "--min-confidence" not in given:
        hits = [hit for hit in hits if hit.get("confidence") != "weak" or hit.get("by_name")]
    top = int(given[given.index("--top") + 1]) if "--top" in given else 500
    return [hit["path"] for hit in hits][:top]
