"""Asks a question on the terminal."""

from __future__ import annotations

import os


def can_ask() -> bool:
    """Whether somebody can answer."""
    return os.isatty(0) and os.isatty(2)


def agreed(question: str) -> bool:
    """Asks on the terminal; whether the answer is yes."""
    os.write(2, question.encode())
    answer = os.read(0, 1024)
    if not answer.endswith(b"\n"):
        os.write(2, b"\n")
    return answer.strip().lower() in (b"y", b"yes")
