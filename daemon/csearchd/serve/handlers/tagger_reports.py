"""What a tagger reports, checked: whoever connects may have sent it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from csearch.protocol.wire import Message
from csearchd.serve.request import RequestError

_LARGEST = (1 << 63) - 1  # that SQLite stores

Test = Callable[[Any], bool]


def intentions(message: Message) -> list[Message]:
    """The entries of a `tags-intend`. Raises RequestError."""
    return _entries(message, {"item": _number, "row": _optional(_number), "record": _record})


def outcomes(message: Message) -> list[Message]:
    """The entries of a `tags-done`. Raises RequestError."""
    entries = _entries(
        message,
        {
            "item": _number,
            "outcome": lambda value: value in _OUTCOMES,
            "row": _optional(_number),
            "record": _optional(_record),
            "reason": _optional(_text),
            "passing": _optional(lambda value: isinstance(value, bool)),
        },
    )
    for entry in entries:
        if entry["outcome"] == "left" and entry.get("reason") is None:
            raise RequestError("bad-request", "an entry that was left needs a reason")
    return entries


def _entries(message: Message, tests: dict[str, Test]) -> list[Message]:
    entries = message.get("entries")
    if not isinstance(entries, list):
        raise RequestError("bad-request", "entries must be a list")
    for entry in entries:
        if not isinstance(entry, dict):
            raise RequestError("bad-request", "an entry must be a map")
        for name, test in tests.items():
            if not test(entry.get(name)):
                raise RequestError("bad-request", f"an entry has a wrong {name}")
    if len({entry["item"] for entry in entries}) < len(entries):
        raise RequestError("bad-request", "two entries are of the same item")
    return entries


def _number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _bytes(value: Any) -> bool:
    return isinstance(value, bytes)


def _optional(test: Test) -> Test:
    return lambda value: value is None or test(value)


def _record(value: Any) -> bool:
    """Whether it is a map of the fields of csearchd.tags.record.Record."""
    return isinstance(value, dict) and all(test(value.get(n)) for n, test in _RECORD.items())


_OUTCOMES = ("written", "unchanged", "left", "gone", "dropped")
_RECORD: dict[str, Test] = {
    "mark": _text,
    "root": _text,
    "words": _texts,
    "removed": _texts,
    "model": _text,
    "written": _number,
    "digest": _bytes,
    "original": _optional(_bytes),
}
