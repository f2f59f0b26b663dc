"""The directory tree in memory, against the same questions answered by walking through it."""

from __future__ import annotations

from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from csearchd.library import tree as module
from csearchd.library.tree import TOP, DirectoryTree

CHANGES = st.lists(
    st.tuples(st.sampled_from("aaamr"), st.integers(0, 99), st.integers(0, 99), st.integers(1, 900))
)


@given(CHANGES, st.lists(st.integers(0, 99), max_size=4), st.sampled_from([0, 3, 1000]))
def test_marked_is_what_is_below(
    changes: list[tuple[str, int, int, int]], chosen: list[int], few: int
) -> None:
    tree, known, latest = DirectoryTree([]), [TOP], TOP
    for kind, one, other, step in changes:
        directory, parent = known[one % len(known)], known[other % len(known)]
        if kind == "a":
            latest += step
            tree.add(latest, parent, b"%d" % latest)
            known.append(latest)
        elif directory == TOP:
            continue
        elif kind == "m" and parent not in tree.below(directory):
            tree.move(directory, parent, b"moved %d" % directory)
        elif kind == "r" and not tree.children(directory):
            tree.remove(directory)
            known.remove(directory)
    asked = [known[number % len(known)] for number in chosen]
    with mock.patch.object(module, "_FEW", few):
        marked = np.flatnonzero(tree.mask(asked)).tolist()
    assert marked == sorted({inner for directory in asked for inner in tree.below(directory)})


def test_a_deep_tree_is_marked_to_its_end() -> None:
    rows = [(number, number - 1, b"d") for number in range(TOP + 1, 2500)]
    tree = DirectoryTree(reversed(rows))
    assert np.flatnonzero(tree.mask([700])).tolist() == list(range(700, 2500))
