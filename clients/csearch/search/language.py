"""The language that the user writes queries in."""

from __future__ import annotations

from collections.abc import Mapping

_LONGEST = 64  # characters, of which the service takes no more
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # locale(7): the first that is set counts


def is_language(text: str) -> bool:
    """Whether `text` can be a locale or the name of a language. The service ignores those that it
    doesn't know."""
    return text.isascii() and text[:1].isalpha() and len(text) <= _LONGEST


def locale_language(environment: Mapping[str, str]) -> str | None:
    """The locale for messages in `environment`, if one is set."""
    named = next((value for name in _VARIABLES if (value := environment.get(name))), "")
    return named if is_language(named) else None
