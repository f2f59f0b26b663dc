"""What the carriers have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from csearchd.tags.record import Record
from csearchd.tags.writers.replace import OpenFile


class Keywords(Protocol):
    """The words that a carrier holds, whoever wrote them."""

    def has(self, word: str, root: str) -> bool:
        """Whether the word is there in all the forms that we write."""

    def is_taken(self, word: str, ours: Record | None) -> bool:
        """Whether somebody else has said that already, in any form."""


@dataclass
class CarrierState:
    """A carrier of a file, as it is now. `content` is None where there is none, `picture` where
    only a sidecar is left of it."""

    path: bytes  # of the picture
    content: bytes | None
    mirror: Record | None
    picture: OpenFile | None

    @property
    def digest(self) -> bytes:
        return digest(self.content)

    def close(self) -> None:
        """Lets go of what is open."""
        if self.picture:
            self.picture.close()


class Carrier(Protocol):
    name: str

    def read_state(self, path: bytes, top: bytes) -> CarrierState:
        """What is there for the picture at `path`; no symbolic link is followed below `top`.

        Raises SkippedFile, FileNotFoundError, NotADirectoryError.
        """

    def keywords(self, state: CarrierState) -> Keywords:
        """Raises SkippedFile where they can't be read."""

    def edited(
        self, state: CarrierState, content: bytes | None, drop: Record | None, add: Record | None
    ) -> bytes | None:
        """`content` without the words of `drop`, with those of `add`. Raises SkippedFile."""

    def put(self, state: CarrierState, content: bytes | None, record: Record | None) -> None:
        """Makes `content`, of which `record` is true, what is there. Raises SkippedFile."""


def digest(content: bytes | None) -> bytes:
    """SHA-256; of nothing it is that of no bytes and a mark."""
    return hashlib.sha256(b"-" if content is None else b"+" + content).digest()


def without_duplicates(words: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(words))
