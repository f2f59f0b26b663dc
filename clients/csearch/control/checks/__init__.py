"""The checks of csearchctl doctor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

OK, WARN, FAIL = "ok", "warn", "fail"


class Finding(NamedTuple):
    """The result of a check; `advice` tells the user what to do about it."""

    level: str
    subject: str
    text: str
    advice: str = ""


Findings = Iterator[Finding]
