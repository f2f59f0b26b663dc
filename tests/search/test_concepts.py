"""Teaching a word with pictures, end to end, and finding concepts in a text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from csearchd.library.concepts import Concept
from csearchd.search.concepts import ConceptProbe, aliases, find_concepts
from support.photos import photo
from support.user import User

NELLY = "our dog Nelly"


@pytest.fixture
def owner(user: User) -> Iterator[User]:
    """A user with six views of some coins, which no model takes for a dog."""
    user.take_photos()
    coins = photo("coins")
    for number in range(1, 6):
        view = coins.rotate(2 * number - 6, expand=False).crop((10, 10, 340, 270))
        view.save(user.pictures / f"coins{number}.jpg", quality=80 + number)
    user.search("x", "--in", user.pictures)
    yield user


def names(user: User, *arguments: object) -> list[str]:
    return [path.stem for path in user.search("--in", user.pictures, *arguments)]


def teach(user: User, *arguments: object) -> str:
    return user.csearchctl("teach", *arguments).stdout.decode()


def files(user: User, *stems: str) -> list[Path]:
    return [user.pictures / f"{stem}.jpg" for stem in stems]


def test_a_taught_word_is_searched_for(owner: User) -> None:
    before = names(owner, "Nelly")
    assert not all(name.startswith("coins") for name in before[:6])
    said = teach(owner, NELLY, *files(owner, "coins", "coins1", "coins2"))
    assert said == f"{NELLY}: 3 examples\n"
    for query in ("Nelly", "our dog Nelly", "NELLY", "the dog nelly"):
        assert all(name.startswith("coins") for name in names(owner, query)[:6]), query
    # With other words it pulls its pictures up, and is one part of several.
    assert names(owner, "Nelly on the beach")[0].startswith("coins")
    assert names(owner, "Unnelly") == names(owner, "-- Unnelly")
    assert all(n.startswith("coins") for n in names(owner, "a cat + 5:Nelly")[:6])


def test_examples_refine_it(owner: User) -> None:
    teach(owner, "Nelly", *files(owner, "coins", "coins1"))
    assert not names(owner, "Nelly")[0].startswith("horse")
    said = teach(owner, "nelly", *files(owner, "horse"), "--not", *files(owner, "coins", "coins1"))
    assert said == "Nelly: 1 example, 2 counter-examples\n"
    assert names(owner, "Nelly")[0] == "horse"
    assert not any(name.startswith("coins") for name in names(owner, "Nelly")[:3])


def test_concepts_are_listed_renamed_and_removed(owner: User) -> None:
    assert owner.csearchctl("concepts").stdout == b""
    teach(owner, NELLY, *files(owner, "coins"))
    teach(owner, "moonlight", *files(owner, "moon"), "--not", *files(owner, "coins"))
    listed = owner.csearchctl("concepts", "list").stdout.decode()
    assert listed == f"moonlight\t1 example, 1 counter-example\n{NELLY}\t1 example\n"
    owner.csearchctl("concepts", "rename", NELLY, "Fido")
    assert names(owner, "Fido")[0].startswith("coins")
    assert b"already" in owner.csearchctl("concepts", "rename", "fido", "Moonlight", check=2).stderr
    owner.csearchctl("concepts", "remove", "fido")
    assert b"no concept" in owner.csearchctl("concepts", "remove", "fido", check=2).stderr
    assert owner.csearchctl("concepts").stdout.count(b"\n") == 1


def test_concepts_outlive_the_service_and_their_files(owner: User) -> None:
    teach(owner, NELLY, *files(owner, "coins", "coins1"))
    for path in files(owner, "coins", "coins1"):
        path.unlink()
    owner.config.parent.mkdir(parents=True, exist_ok=True)
    owner.config.write_text("[library]\nkeep_days = 0\n")
    owner.csearchctl("stop")
    owner.search("x", "--in", owner.pictures, "--wait")
    assert all(name.startswith("coins") for name in names(owner, "Nelly")[:4])


def test_pictures_are_tagged_with_it(owner: User) -> None:
    teach(owner, NELLY, *files(owner, "coins", "coins1", "coins2"))
    paths = [os.fsencode(path) for path in files(owner, "coins3", "moon")]
    with owner.connect() as client:
        client.ask(op="hello", protocol=1, version="0")
        coins, moon = (file["words"] for file in client.ask(op="describe", paths=paths)["files"])
    assert NELLY in coins
    assert NELLY not in moon


def test_what_cannot_be_taught(owner: User, tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    for arguments, said in (
        (["Nelly"], "name pictures"),
        (["Nelly", tmp_path / "none.jpg"], "No such file"),
        (["Nelly", text], str(text)),
        (["a/b", *files(owner, "cat")], "can't be a tag"),
        ([" ", *files(owner, "cat")], "a concept needs a name"),
        (["Nelly", "--not", *files(owner, "cat")], "needs a picture that shows it"),
    ):
        done = owner.csearchctl("teach", *arguments, check=2)
        assert said in done.stderr.decode()
        assert b"Traceback" not in done.stderr
    assert owner.csearchctl("concepts").stdout == b""


def test_a_directory_never_seen_is_read_first(owner: User, tmp_path: Path) -> None:
    elsewhere = tmp_path / "rocket.jpg"
    photo("rocket").save(elsewhere)
    assert teach(owner, "Ariane", elsewhere) == "Ariane: 1 example\n"
    many = [*files(owner, "cat", "coffee", "horse", "moon", "gravel")] * 8  # more than go at once
    assert teach(owner, "Ariane", elsewhere, "--not", *many).endswith("5 counter-examples\n")


@pytest.mark.parametrize(
    ("text", "named", "rest", "alone"),
    [
        ("Nelly on the beach", [NELLY], "dog on the beach", False),
        ("our  DOG nelly", [NELLY], "dog", True),
        ("my Nelly", [NELLY], "my dog", True),
        ("blue mug and nelly", ["my blue mug", NELLY], "blue mug and dog", False),
        ("a dog on the beach", [], "a dog on the beach", False),
        ("nellys, unnelly", [], "nellys, unnelly", False),
        ("our dog İpek", ["İpek"], "our dog", False),
        ("ipek's boat", ["İpek"], "'s boat", False),
        ("ſue and SUE", ["Sue"], "and", False),
    ],
)
def test_names_in_a_text(text: str, named: list[str], rest: str, alone: bool) -> None:
    bare = np.zeros(1, np.float32)
    probes = [
        ConceptProbe(Concept(name, frozenset(), frozenset()), bare, 0.0, bare)
        for name in (NELLY, "my blue mug", "İpek", "Sue")
    ]
    found = find_concepts(text, probes)
    assert ([probe.concept.name for probe in found[0]], *found[1:]) == (named, rest, alone)


def test_what_it_is_called() -> None:
    assert aliases(NELLY) == {NELLY, "dog Nelly", "Nelly"}
    assert aliases("Aunt Mary") == {"Aunt Mary"}
    assert aliases("My car") == {"My car", "car"}
    assert not any(re.search(r"^\s|\s$", alias) for alias in aliases("the"))
