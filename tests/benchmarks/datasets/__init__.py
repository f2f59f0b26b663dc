"""Labelled sets in the layouts in which they are published, each read by a module of its own.

Each module has SOURCE, where the set comes from, LAYOUT, the files that are expected, SPLIT, the
part that is read if none is named, and `read(directory, split, scratch)`, which raises Missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from csearchd.formats.suffixes import families, suffix


@dataclass(frozen=True)
class Classified:
    """Pictures of which each is of one class."""

    pictures: list[Path]
    own: list[int]  # the number of each picture's class
    classes: list[str]  # their names, as words


@dataclass(frozen=True)
class Captioned:
    """Pictures with captions: language → (number of the picture, caption)."""

    pictures: list[Path]
    captions: Mapping[str, list[tuple[int, str]]]


class Missing(Exception):
    """One line: what isn't there, or isn't as published."""


def first_of(directories: Iterable[Path], files: tuple[str, ...]) -> Path | None:
    """The first directory that has one of `files` in it."""
    for directory in directories:
        if any((directory / file).exists() for file in files):
            return directory
    return None


def text_of(path: Path) -> str:
    """The file as text. Raises Missing."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it isn't UTF-8"
        raise Missing(f"{path} can't be read: {reason}") from None


def is_picture(path: Path) -> bool:
    """Whether the service would read a file of this name."""
    return suffix(bytes(path)) in families()


def existing(directories: Iterable[Path], name: str) -> Path | None:
    """The file `name` in the first directory that has it; None too if it leads out of it."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        return None
    for directory in directories:
        if (directory / name).is_file():
            return directory / name
    return None


def words(name: str) -> str:
    """A class's name in words: aquarium_fish → aquarium fish."""
    return " ".join(name.replace("_", " ").split())
