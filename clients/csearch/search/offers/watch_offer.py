"""Tells on a terminal, after the first search of a directory, how to have it watched."""

from __future__ import annotations

import os
import shlex

from csearch.command import print_err
from csearch.protocol.quoting import printable
from csearch.search.offers.model_offer import csearchctl

_SHOWN = 3  # directories, of those that one search reads


def offer_watch(directories: list[bytes]) -> None:
    """Prints the command that watches `directories`, which were read for the first time."""
    named = " ".join(_typed(path) for path in directories[:_SHOWN])
    more = " …" if len(directories) > _SHOWN else ""
    what = "this folder" if len(directories) == 1 else "these folders"
    print_err(
        f"csearch: to have new pictures in {what} read as they come: "
        f"{csearchctl()} add {named}{more}"
    )


def _typed(path: bytes) -> str:
    """A path as it can be typed in a shell."""
    text = os.fsdecode(path)
    if not text.isprintable():
        return printable(path)
    home = os.path.expanduser("~")
    if text.startswith(f"{home}/") and shlex.quote(text) == text:
        return f"~{text[len(home) :]}"
    return shlex.quote(text)
