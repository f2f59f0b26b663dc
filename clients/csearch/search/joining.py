"""Joins the arguments of a command to a query.

A shell takes the quotes from `tag:"old town"`, and what arrives is `tag:old town`. An argument
beside others that begins with a filter and has blanks is such a value.
"""

from __future__ import annotations

# Of dates and places the service knows by itself which words belong to them.
_FILTERS = ("camera", "lens", "tag", "person", "name", "title", "description", "folder")


def joined(arguments: list[str]) -> str:
    """The query."""
    if len(arguments) < 2:
        return " ".join(arguments)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    words = [_quoted(argument) for argument in arguments[:end]]
    return " ".join([*words, *arguments[end:]])


def value_note(arguments: list[str]) -> str | None:
    """What to tell about values of several words."""
    if len(arguments) == 1:
        quoted = _quoted(arguments[0])
        if quoted == arguments[0]:
            return None
        from shlex import quote

        filter, word = arguments[0].split()[:2]
        return f"the value of {filter} ends before {word}; of several words: {quote(quoted)}"
    end = arguments.index("--") if "--" in arguments else len(arguments)
    changed = [new for old in arguments[:end] if (new := _quoted(old)) != old]
    return f"understood as {' '.join(changed)}" if changed else None


def _quoted(argument: str) -> str:
    """An argument that is a filter with a value of several words, with quotes around the value."""
    name, colon, value = argument.partition(":")
    before = f"{name}:"
    if colon and name.lower() == "not":
        name, colon, value = value.partition(":")
        before += f"{name}:"
    words = value.split()
    if not colon or name.lower() not in _FILTERS or len(words) < 2 or value[0].isspace():
        return argument
    if any('"' in word or ":" in word or word in ("+", "-") for word in words):
        return argument
    return f'{before}"{" ".join(words)}"'
