"""Several rows turn out to have the vectors of one model, which was known by other fingerprints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from csearchd.library.library import Library

Open = Callable[[], Library]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Opens the library, as a start of the service does."""
    return lambda: Library(str(tmp_path / "library.sqlite"), str(tmp_path / "cache"))


def give(library: Library, row: int, contents: range) -> None:
    """Gives the model of `row` vectors of `contents`, each encoded once."""
    vector = np.array([0.6, 0.8], "<f2").tobytes()
    rows = [(one, str(one)) for one in contents]
    with library.write() as database:
        database.executemany(
            "INSERT OR IGNORE INTO contents (id, scheme, identity) VALUES (?, 1, ?)", rows
        )
        database.executemany(
            "INSERT INTO vectors VALUES (?, ?, ?, 1)", [(row, one, vector) for one in contents]
        )


def passes(library: Library) -> dict[int, list[int]]:
    """How often each content was encoded, in the order of contents, by the model's row."""
    found: dict[int, list[int]] = {}
    with library.read() as database:
        for row, count in database.execute("SELECT model, passes FROM vectors ORDER BY content"):
            found.setdefault(row, []).append(count)
    return found


@pytest.mark.parametrize("more", ["image", "both"])
def test_they_are_merged_into_the_one_with_more_vectors(opened: Open, more: str) -> None:
    library = opened()
    rows = {name: library.model_row(name, name, 2) for name in ("image", "both")}
    kept = rows.pop(more)
    (other,) = rows.values()
    give(library, kept, range(1, 11))
    assert len(library.load_vectors(kept, 2)) == 10  # its codes are in the cache from now on
    library.close()
    library = opened()
    give(library, other, range(9, 14))
    assert library.model_row("both", "model", 2, "image") == kept
    assert passes(library) == {kept: [1] * 8 + [2] * 2 + [1] * 3}
    assert len(library.load_vectors(kept, 2)) == 13
    assert library.verify_vectors() is False
    assert {library.model_row(name, "model", 2) for name in ("image", "both")} == {kept}
    assert library.model_row("another", "another", 2) != kept
    library.close()


@pytest.mark.parametrize("loaded", ["image", "both", "another"])
def test_rows_in_use_stay(opened: Open, loaded: str) -> None:
    library = opened()
    image, both = (library.model_row(name, name, 2) for name in ("image", "both"))
    give(library, image, range(1, 3))
    give(library, both, range(1, 6))
    library.load_vectors(library.model_row(loaded, loaded, 2), 2)
    assert library.model_row("both", "model", 2, "image") == both
    give(library, image, range(6, 8))
    assert library.model_row("image", "model", 2) == both  # it will be merged
    library.close()
    library = opened()
    assert library.model_row("both", "model", 2, "image") == both
    assert list(passes(library)) == [both]
    library.close()


def test_vectors_of_another_size_stay(opened: Open) -> None:
    library = opened()
    image, both = library.model_row("image", "old", 3), library.model_row("both", "old", 2)
    give(library, both, range(1, 6))
    assert library.model_row("both", "model", 2, "image") == both != image
    assert library.model_row("another", "another", 2) not in (image, both)
    library.close()
