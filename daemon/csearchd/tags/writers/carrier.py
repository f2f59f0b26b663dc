"""The interface of the carriers, which read and write the tags of a file in one place each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from csearchd.tags.record import Record
from csearchd.tags.writers.open_file import OpenFile


class Keywords(Protocol):
    """The tags in a carrier, whoever wrote them."""

    def has(self, word: str, root: str) -> bool:
        """Whether a tag is there in all the forms in which csearch writes it."""

    def is_taken(self, word: str, ours: Record | None) -> bool:
        """Whether another program has written a tag already, in any form.

        `ours` describes what csearch wrote.
        """


@dataclass
class CarrierState:
    """A file's carrier as it is now.

    `content` is what holds the tags: an attribute's value, a sidecar, or the picture; None if there
    is none. `picture` is None if only a sidecar is left of it.
    """

    path: bytes  # of the picture
    content: bytes | None
    mirror: Record | None
    picture: OpenFile | None

    @property
    def digest(self) -> bytes:
        return digest(self.content)

    def close(self) -> None:
        """Closes the open files."""
        if self.picture:
            self.picture.close()


class Carrier(Protocol):
    """One way to store tags. Implementations keep no state of a file between calls."""

    name: str  # one of csearchd.tags.ledger.CARRIERS

    def read_state(self, path: bytes, top: bytes) -> CarrierState:
        """Opens the picture at `path` and reads its carrier.

        No symbolic link is followed below `top`. Raises SkippedFile, FileNotFoundError,
        NotADirectoryError.
        """

    def keywords(self, state: CarrierState) -> Keywords:
        """The tags in a carrier. Raises SkippedFile if they can't be read."""

    def edited(
        self, state: CarrierState, content: bytes | None, drop: Record | None, add: Record | None
    ) -> bytes | None:
        """`content` without the tags of `drop`, with those of `add`. Raises SkippedFile."""

    def put(self, state: CarrierState, content: bytes | None, record: Record | None) -> None:
        """Stores `content`, and the mirror of `record`, which describes it. Raises SkippedFile."""


def digest(content: bytes | None) -> bytes:
    """SHA-256 of a content; None and b"" have different ones."""
    return hashlib.sha256(b"-" if content is None else b"+" + content).digest()


def without_duplicates(words: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(words))
