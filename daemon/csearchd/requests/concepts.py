"""Requests about concepts: words that the user teaches by pictures."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from csearchd import limits
from csearchd.validation import Count, Name, Request


class TeachRequest(Request, frozen=True, kw_only=True):
    """`teach`: makes pictures examples of a concept. A new name makes a concept.

    Fields: name (str); pictures ([bin]): their paths, of which as many `files` come along;
    against (int): the last so many are counter-examples.

    Progress: as of `search`. Result: {name, examples, against, called: [str], new: bool}: how many
    examples and counter-examples there are now, what it is called in queries, and whether it was
    made.
    """

    op: ClassVar[str] = "teach"

    name: str
    pictures: Annotated[list[bytes], Meta(min_length=1, max_length=limits.EXAMPLES)]
    files: Count = 0
    against: Count = 0

    def __post_init__(self) -> None:
        if self.files != len(self.pictures):
            raise ValueError("pictures must come with a file each")
        if self.against > len(self.pictures):
            raise ValueError("against must be the number of counter-examples among pictures")


class ConceptsRequest(Request, frozen=True, kw_only=True):
    """`concepts`: lists them. Result: {concepts: [{name, examples, against, called}]}."""

    op: ClassVar[str] = "concepts"


class ConceptRenameRequest(Request, frozen=True, kw_only=True):
    """`concept-rename`: gives a concept another name.

    Fields: name (str), new (str). Result: {}.
    """

    op: ClassVar[str] = "concept-rename"

    name: Name
    new: str


class ConceptRemoveRequest(Request, frozen=True, kw_only=True):
    """`concept-remove`: forgets a concept. Fields: name (str). Result: {}."""

    op: ClassVar[str] = "concept-remove"

    name: Name
