"""A hierarchical keyword and the forms in which programs store it.

csearch's tags are paths from the general to the particular: "animal/dog". Flat lists of keywords
hold the last part, the leaf; hierarchical ones hold the path below the configuration's `tags.root`.
No tag contains a character that separates keywords in a list (csearchd.scoring.vocabulary).
"""

from __future__ import annotations


def leaf(word: str) -> str:
    """ "animal/dog" → "dog"."""
    return word.rpartition("/")[2]


def levels(path: str) -> list[str]:
    """The parts of any program's hierarchical keyword."""
    return [level for level in path.replace("|", "/").split("/") if level]


def leaf_of_path(path: str) -> str:
    """The last part of any program's hierarchical keyword."""
    return (levels(path) or [""])[-1]


def tags_list(word: str, root: str) -> str:
    """As in digiKam:TagsList: "csearch/animal/dog"."""
    return f"{root}/{word}" if root else word


def hierarchical(word: str, root: str) -> str:
    """As in lr:hierarchicalSubject: "csearch|animal|dog"."""
    return tags_list(word, root).replace("/", "|")
