"""Fills in the absolute paths of this environment in the files that are installed."""

from __future__ import annotations

import os
import sys

import csearch
from csearch.directories import base, cache_directory, data_directory
from csearch.installation import mime_types
from csearch.installation.items import Item, share
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words

_FORBIDDEN = frozenset('"\\$%`')  # special in units or desktop files
_BASES = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
# The same directories for whoever runs a unit (%h), who hasn't set these variables.
_PLACES_OF_ANYONE = {
    "DATA": "%h/.local/share/csearch",
    "CACHE": "%h/.cache/csearch",
    "THUMBNAILS": "%h/.cache/thumbnails",
}


def rendered(item: Item) -> bytes:
    """An item's content. Raises ClientError if a path contains a forbidden character."""
    content = rendered_source(item.source)
    return mime_types.with_defaults(content) if item.is_application else content


def rendered_for_all(item: Item) -> bytes:
    """An item's content in a package, for whoever uses it. Raises ClientError."""
    return _filled_in(item.source, _PLACES_OF_ANYONE)


def rendered_source(source: str) -> bytes:
    """The content of a file below share(), with the paths filled in. Raises ClientError."""
    return _filled_in(source, _places())


def _filled_in(source: str, places: dict[str, str]) -> bytes:
    path = os.path.join(share(), source)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise ClientError(f"{printable(path)}: {in_words(error)}; install csearch again") from error
    values = {"PYTHON": command(), "SHARE": _checked(share()), **places}
    for name, value in values.items():
        content = content.replace(b"@%s@" % name.encode(), os.fsencode(value))
    return content


def _places() -> dict[str, str]:
    """The directories of this user that the service writes to."""
    return {
        "DATA": _checked(data_directory()),
        "CACHE": _checked(cache_directory()),
        "THUMBNAILS": _checked(os.path.join(base("XDG_CACHE_HOME", "~/.cache"), "thumbnails")),
    }


def command() -> str:
    """The beginning of a command line that runs this environment's Python, without arguments."""
    variables = {name: os.environ[name] for name in _BASES if os.path.isabs(_get(name))}
    if sources := _sources():
        variables["PYTHONPATH"] = sources
    words = [f"{name}={value}" for name, value in variables.items()]
    if words or "'" in sys.executable:  # systemd runs no program whose name contains a quote
        words.insert(0, "/usr/bin/env")
    return " ".join(f'"{_checked(word)}"' for word in (*words, sys.executable)) + " -P"


def _sources() -> str:
    """$PYTHONPATH in absolute paths, if csearch is imported from it."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(csearch.__file__)))
    places = [os.path.abspath(place) for place in _get("PYTHONPATH").split(":") if place]
    return ":".join(places) if here in places else ""


def _get(name: str) -> str:
    return os.environ.get(name, "")


def _checked(path: str) -> str:
    if wrong := sorted(c for c in set(path) if c in _FORBIDDEN or not c.isprintable()):
        raise ClientError(
            f"{printable(path)}: the character {printable(wrong[0])} in a path can't be installed; "
            "move the environment elsewhere"
        )
    return path
