"""Statements about many contents at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

_AT_A_TIME = 500  # contents, so that a transaction is soon over

AMONG = "(SELECT value FROM json_each(?))"
"""What follows IN; the parameter is a part that `parts_of` gives."""


def parts_of(contents: Sequence[int]) -> Iterator[str]:
    """The ids of contents in arrays of JSON."""
    for start in range(0, len(contents), _AT_A_TIME):
        yield json.dumps(contents[start : start + _AT_A_TIME])
