"""Near-duplicates in results and in csearchctl dupes; random results."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.album import write_photo, xmp
from support.photos import photo
from support.user import User

CATS = {"cat", "cat copy", "cat small"}
COINS = {"coins", "coins1", "coins2"}
ROCKETS = {"rocket", "rocket part"}
COFFEES = {"coffee", "coffee turned"}


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("d")) as someone:
        someone.take_photos()
        shutil.copy(someone.pictures / "cat.jpg", someone.pictures / "cat copy.jpg")
        photo("cat").resize((390, 260)).save(someone.pictures / "cat small.jpg")
        for number in (1, 2):
            view = photo("coins").rotate(2 * number - 3).crop((2, 2, 382, 301))
            view.save(someone.pictures / f"coins{number}.jpg")
        photo("rocket").crop((40, 20, 560, 380)).save(someone.pictures / "rocket part.jpg")
        photo("coffee").rotate(90, expand=True).save(someone.pictures / "coffee turned.jpg")
        (someone.pictures / "other").mkdir()
        for name in ("moon", "horse"):
            shutil.copy(
                someone.pictures / f"{name}.jpg", someone.pictures / "other" / f"{name}.jpg"
            )
        someone.search("x", "--in", someone.pictures)
        yield someone


def groups(user: User, *arguments: object) -> list[set[str]]:
    """The names, without suffix, of each group of csearchctl dupes."""
    output = user.csearchctl("dupes", "-0", *arguments).stdout
    return [
        {Path(os.fsdecode(path)).stem for path in group.split(b"\0")}
        for group in output.removesuffix(b"\0\0").split(b"\0\0")
        if group
    ]


def test_duplicates_are_listed(owner: User) -> None:
    found = groups(owner, owner.pictures)
    near = (CATS, COINS, ROCKETS, COFFEES)
    assert sorted(map(sorted, found)) == sorted(map(sorted, (*near, {"moon"}, {"horse"})))
    assert groups(owner) == found
    assert sorted(map(sorted, groups(owner, "--exact"))) == [
        ["cat", "cat copy"],
        ["horse"],
        ["moon"],
    ]
    assert groups(owner, owner.pictures / "other") == []


def test_duplicates_for_programs(owner: User) -> None:
    rows = [json.loads(line) for line in owner.csearchctl("dupes", "--json").stdout.splitlines()]
    (cats,) = (row for row in rows if row["files"][0]["path"].endswith("/cat.jpg"))
    assert [row["exact"] for row in rows].count(True) == 2
    assert [Path(file["path"]).stem for file in cats["files"]] == ["cat", "cat copy", "cat small"]
    assert cats["files"][0]["pixels"] == 300 * 451
    assert cats["files"][2]["pixels"] == 390 * 260
    first, copy, small = (file["likeness"] for file in cats["files"])
    assert first == copy == 1  # the same pixels
    assert 0.9 < small <= 1
    assert [file["best"] for file in cats["files"]] == [True, False, False]
    assert {row["kind"] for row in rows} == {"exact", "near"}
    done = owner.csearchctl("dupes")
    assert len(done.stdout.split(b"\n\n")[0].splitlines()) >= 2
    summary = (
        "2 groups of the same pictures, 4 groups of nearly the same. 3 files more than needed."
    )
    assert done.stderr.decode().strip() == summary  # of the cats only the copy is


def test_results_are_grouped_where_it_is_asked(owner: User) -> None:
    plain = owner.search("--in", owner.pictures, "a cat", "-t", "5")
    assert {path.stem for path in plain} >= CATS
    rows = [
        json.loads(line)
        for line in owner.csearch(
            "--json", "--group", "--in", owner.pictures, "a cat", "-t", "5"
        ).stdout.splitlines()
    ]
    assert len(rows) == 5
    assert (Path(rows[0]["path"]).stem in CATS, rows[0]["similar"]) == (True, 2)
    assert sum(Path(row["path"]).stem in CATS for row in rows) == 1
    rest = owner.csearch("--format", "{name}", "--group", "--offset", "5", "--in", owner.pictures,
                         "a cat").stdout.decode().splitlines()  # fmt: skip
    assert len(rest) == 3  # of eight motifs
    assert not {Path(row["path"]).name for row in rows} & set(rest)


def test_on_a_terminal_they_are_grouped(owner: User) -> None:
    shown = on_a_terminal(owner, "--in", owner.pictures, "a cat")
    assert shown.count("similar") == 6
    assert "+2 similar" in shown.splitlines()[0]
    assert "similar" not in on_a_terminal(owner, "--no-group", "--in", owner.pictures, "a cat")


def on_a_terminal(user: User, *arguments: object) -> str:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-P", "-m", "csearch.search", *map(str, arguments)]
    with open(theirs, "wb") as terminal:
        environment = {**user.environment, "TERM": "dumb"}
        subprocess.run(command, env=environment, stdout=terminal, cwd=user.home, check=True)
    with open(ours, "rb", buffering=0) as terminal:
        return terminal.read(1 << 16).decode()


def test_what_has_changed_is_no_duplicate(user: User) -> None:
    """Else the last picture of its kind would be called superfluous."""
    user.take_photos(("cat",))
    copy = user.pictures / "copy.jpg"
    shutil.copy(user.pictures / "cat.jpg", copy)
    user.search("x", "--in", user.pictures)
    assert groups(user) == [{"cat", "copy"}]
    user.csearchctl("pause")
    photo("moon").save(copy)
    done = user.csearchctl("dupes")
    assert (done.stdout, done.stderr.strip()) == (b"", b"There are no duplicates.")
    assert groups(user, "--exact") == []


def test_what_lacks_a_part_comes_last(user: User) -> None:
    whole, damaged = user.pictures / "b.jpg", user.pictures / "a.jpg"
    user.pictures.mkdir(parents=True, exist_ok=True)
    photo("cat").save(whole, quality=90)
    damaged.write_bytes(whole.read_bytes()[: whole.stat().st_size * 98 // 100])
    for path, second in ((damaged, 1000), (whole, 2000)):  # else the oldest is first
        os.utime(path, (second, second))
    user.search("x", "--in", user.pictures)
    (row,) = map(json.loads, user.csearchctl("dupes", "--json").stdout.splitlines())
    assert row["kind"] == "near"
    assert [Path(file["path"]).name for file in row["files"]] == ["b.jpg", "a.jpg"]


def test_the_best_copy_is_the_first(user: User) -> None:
    """Of one size, the one of which most is known; then one that wasn't just saved by a browser;
    the oldest only then."""
    saved = user.home / "Downloads"
    saved.mkdir()
    told = xmp(("Lisbon",))
    write_photo(saved / "a.jpg", "cat")
    write_photo(user.pictures / "b.jpg", "cat")
    write_photo(user.pictures / "c.jpg", "cat", packet=told)
    for number, path in enumerate((saved / "a.jpg", *sorted(user.pictures.iterdir()))):
        os.utime(path, (1000 + number, 1000 + number))
    user.search("x", "--in", user.home)
    (row,) = map(json.loads, user.csearchctl("dupes", "--json").stdout.splitlines())
    assert [Path(file["path"]).name for file in row["files"]] == ["c.jpg", "b.jpg", "a.jpg"]
    assert [file["best"] for file in row["files"]] == [True, False, False]


def test_a_burst_is_one_result_and_no_duplicates(user: User) -> None:
    """Whatever its pixels say: they hardly differ."""
    user.take_photos(("cat", "moon"))
    for second in range(3):
        taken = f"2023:05:01 10:00:0{second}"
        write_photo(
            user.pictures / f"b{second}.jpg", "horse", taken=taken, size=(400, 300 + 20 * second)
        )
    write_photo(
        user.pictures / "b0 small.jpg", "horse", taken="2023:05:01 10:00:00", size=(200, 150)
    )
    user.search("x", "--in", user.pictures)
    query = ("--in", user.pictures, "on:2023")
    rows = user.csearch("--group", "--format", "{similar} {burst}", *query).stdout
    assert rows.split() in ([b"3", b"2"], [b"3", b"3"])  # b0's copy is a shot beside b1
    assert "of a burst" in on_a_terminal(user, *query)

    assert groups(user) == [{"b0", "b0 small"}]
    listed = [json.loads(line) for line in user.csearchctl("dupes", "--json").stdout.splitlines()]
    assert [row["kind"] for row in listed] == ["near", "burst"]
    assert [Path(file["path"]).stem for file in listed[1]["files"]] == ["b0", "b1", "b2"]
    assert not any(file["best"] for file in listed[1]["files"])
    summary = user.csearchctl("dupes").stderr.decode().strip()
    assert summary == "1 group of nearly the same, 1 burst of different ones."


def test_random_picks(owner: User) -> None:
    drawn = {tuple(owner.search("--in", owner.pictures, "--random", "-t", "3")) for _ in range(12)}
    assert len(drawn) > 3
    assert all(len(set(paths)) == 3 for paths in drawn)
    some = owner.search("--in", owner.pictures, "--random", "name:cat*", "-t", "2")
    assert len(some) == 2
    assert {path.stem for path in some} < CATS
    matching = owner.search("--in", owner.pictures, "--random", "a cat", "--min-confidence", "fair")
    assert "cat" in " ".join(path.stem for path in matching)
    assert len(matching) < 14
    owner.csearch("--in", owner.pictures, check=2)
