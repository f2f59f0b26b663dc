"""A word and the forms in which programs read it.

A word is a path, from the general to the particular: "animal/dog". Its last part, the leaf, is what
flat lists hold; hierarchies hold the whole path below the configuration's `tags.root`. What
separates words in a list is in none (csearchd.scoring.vocabulary).
"""

from __future__ import annotations


def leaf(word: str) -> str:
    """ "animal/dog" → "dog"."""
    return word.rpartition("/")[2]


def levels(path: str) -> list[str]:
    """The parts of a hierarchical tag of any program."""
    return [level for level in path.replace("|", "/").split("/") if level]


def leaf_of_path(path: str) -> str:
    """The last of them."""
    return (levels(path) or [""])[-1]


def tags_list(word: str, root: str) -> str:
    """As in digiKam:TagsList: "csearch/animal/dog"."""
    return f"{root}/{word}" if root else word


def hierarchical(word: str, root: str) -> str:
    """As in lr:hierarchicalSubject: "csearch|animal|dog"."""
    return tags_list(word, root).replace("/", "|")
