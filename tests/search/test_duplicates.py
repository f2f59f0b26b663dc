"""Near-duplicates in results and in csearchctl dupes; random results."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from csearchd.library.metadata.photo_metadata import PhotoMetadata
from csearchd.library.vectors.table import VectorTable
from csearchd.scoring.confidence import NEAR_DUPLICATE, ScoreCalibration
from csearchd.search import duplicates
from csearchd.search.request import Hit
from support.photos import photo
from support.user import User

CATS = {"cat", "cat copy", "cat small"}
COINS = {"coins", "coins1", "coins2"}


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("d")) as someone:
        someone.take_photos()
        shutil.copy(someone.pictures / "cat.jpg", someone.pictures / "cat copy.jpg")
        photo("cat").resize((390, 260)).save(someone.pictures / "cat small.jpg")
        for number in (1, 2):
            view = photo("coins").rotate(2 * number - 3).crop((2, 2, 382, 301))
            view.save(someone.pictures / f"coins{number}.jpg")
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
    assert sorted(map(sorted, found)) == sorted(map(sorted, (CATS, COINS, {"moon"}, {"horse"})))
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
    assert first == copy  # the same pixels
    assert NEAR_DUPLICATE <= min(first, small) < max(first, small) == 1
    lines = owner.csearchctl("dupes").stdout.split(b"\n\n")
    assert len(lines[0].splitlines()) >= 2


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
    assert shown.count("similar") == 4
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


def test_pictures_of_a_burst_are_one_result(user: User) -> None:
    from support.album import write_photo

    user.take_photos(("cat", "page"))
    for second in range(3):
        taken = f"2023:05:01 10:00:0{second}"
        write_photo(
            user.pictures / f"b{second}.jpg", "horse", taken=taken, size=(400, 300 + 20 * second)
        )
    user.search("x", "--in", user.pictures)
    rows = user.csearch(
        "--group", "--format", "{similar}", "--in", user.pictures, "on:2023", "type:jpeg"
    ).stdout
    assert rows.split() == [b"2"]


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


@pytest.mark.parametrize("alike", [0.0, 0.6])
def test_no_pair_is_missed(alike: float) -> None:
    """The bound misses nothing that the exact comparison finds, whatever the spectrum."""
    chance = np.random.default_rng(7)
    base = chance.normal(size=(700, 128)) * np.arange(1, 129) ** -alike
    base[200:400] = base[:200] + 0.25 * chance.normal(size=(200, 128)) * np.arange(1, 129) ** -alike
    vectors = (base / np.linalg.norm(base, axis=1, keepdims=True)).astype(np.float32)
    table = VectorTable(128)
    contents = np.arange(1, 701, dtype=np.int32)
    table.extend(contents, vectors)
    calibration = ScoreCalibration(
        vectors[:50], chance.normal(size=(0, 128)).astype(np.float32), 200
    )
    stored = table.vectors(contents)
    near = calibration.similarity(stored, stored) >= NEAR_DUPLICATE
    found = list(duplicates.find_groups(table, calibration, contents))
    assert len(found) > 20
    taken: set[int] = set()
    for some, similarity in found:
        members = [int(one) - 1 for one in some]
        assert not taken & set(members)
        assert near[members[0], members].all()
        assert (similarity >= NEAR_DUPLICATE).all()
        taken |= set(members)
    left = [number for number in range(700) if number not in taken]
    assert not np.triu(near[np.ix_(left, left)], 1).any()


def test_copies_are_one_group_before_facts_are_loaded() -> None:
    table = VectorTable(32)
    contents = np.arange(1, 4, dtype=np.int32)
    table.extend(contents, np.eye(32, dtype=np.float32)[[0, 1, 0]])
    calibration = ScoreCalibration(np.eye(32, dtype=np.float32), np.zeros((0, 32), np.float32), 200)
    hits = [Hit(b"/%d.jpg" % one, 0.5, one, one) for one in contents.tolist()]
    found = duplicates.group_hits(hits, table, calibration, PhotoMetadata())
    assert [[hit.content for hit in group] for group in found] == [[1, 3], [2]]


def test_very_many_results_are_grouped_in_little_memory() -> None:
    count = 8000
    table = VectorTable(32)
    contents = np.arange(1, count + 1, dtype=np.int32)
    vectors = np.random.default_rng(8).normal(size=(count // 2, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table.extend(contents, np.repeat(vectors, 2, axis=0))
    calibration = ScoreCalibration(np.eye(32, dtype=np.float32), np.zeros((0, 32), np.float32), 200)
    hits = [Hit(b"/%d.jpg" % one, 0.5, one, one) for one in contents.tolist()]
    tracemalloc.start()
    found = duplicates.group_hits(hits, table, calibration, PhotoMetadata())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [[hit.content for hit in group] for group in found] == contents.reshape(-1, 2).tolist()
    assert most < 300e6


def test_very_many_copies_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_MAX_PAIRS", 1000)
    chance = np.random.default_rng(8)
    one = chance.normal(size=(1, 32)) + 0.001 * chance.normal(size=(3000, 32))
    table = VectorTable(32)
    contents = np.arange(1, 3001, dtype=np.int32)
    table.extend(contents, (one / np.linalg.norm(one, axis=1, keepdims=True)).astype(np.float32))
    calibration = ScoreCalibration(np.eye(32, dtype=np.float32), np.zeros((0, 32), np.float32), 200)
    ((some, _),) = duplicates.find_groups(table, calibration, contents)
    assert len(some) == 3000
