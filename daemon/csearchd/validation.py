"""Messages of clients as typed objects: their fields' types and bounds, and what is wrong with
those that don't fit."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta

from csearchd import limits
from csearchd.errors import InvalidMessage
from csearchd.limits import clipped

R = TypeVar("R", bound="Request")

Flag = bool | None  # nil means no
Name = Annotated[str, Meta(max_length=limits.NAME)]
Count = Annotated[int, Meta(ge=0)]
Stored = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]  # a number that SQLite can store


class AbsolutePath(bytes):
    """An absolute path that the kernel would take."""

    __slots__ = ()

    @staticmethod
    def is_valid(path: bytes) -> bool:
        return path.startswith(b"/") and b"\0" not in path and len(path) <= limits.PATH_BYTES


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for. Each operation of the protocol has a subclass, whose docstring says
    what it does and what it answers. Fields that it doesn't name are ignored."""

    op: ClassVar[str]  # the operation's name in messages

    not_sent: ClassVar[frozenset[str]] = frozenset()
    """Fields that the service fills in; in a message they are ignored as unknown ones are."""


def validated(message: dict[str, Any], kind: type[R]) -> R:
    """A message as a request of that kind. Raises InvalidMessage."""
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = frozenset(kind.__struct_fields__) - kind.not_sent
    fields = {name: value for name, value in message.items() if name in names}
    try:
        return msgspec.convert(fields, kind, dec_hook=_custom, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise InvalidMessage(clipped(_explained(str(error), kind), 2 * limits.QUOTED)) from None


_FIELDS: dict[type[Request], frozenset[str]] = {}
_PLACE = re.compile(r"^(.*) - at `(?:key` in `)?\$\.?(.*)`$", re.DOTALL)
_NOT_LISTED = "Invalid enum value"
_MISSING = re.compile(r"^Object missing required field `(.*)`$")
_TYPES = {
    "`int`": "a whole number", "`float`": "a number", "`str`": "a text", "`bytes`": "bytes (bin)",
    "`bool`": "true or false", "`array`": "a list", "`object`": "a map", "`null`": "nil",
}  # fmt: skip
_QUOTED_TYPES = re.compile(r"`([a-z| ]+)`")


def _custom(kind: type, value: object) -> object:
    """Converts what msgspec doesn't know; msgspec adds where it stands to a ValueError."""
    assert kind is AbsolutePath
    if not isinstance(value, bytes) or not AbsolutePath.is_valid(value):
        raise ValueError("must be an absolute path (bin)")
    return AbsolutePath(value)


def _explained(error: str, kind: type[Request]) -> str:
    """What msgspec says, as a sentence that begins with the field's name."""
    place = _PLACE.match(error)
    said, where = place.groups() if place else (error, "")
    if missing := _MISSING.match(said):
        return f"{where}.{missing[1]} is missing".removeprefix(".")
    if said.startswith(_NOT_LISTED):
        if choices := _choices(kind, where):
            return f"{where} must be one of {', '.join(choices)}"
        return f"{where} is none of its values:{said.removeprefix(_NOT_LISTED)}"
    if said.startswith("Expected"):
        said = "must be" + _QUOTED_TYPES.sub(_type_name, said.removeprefix("Expected"))
    return f"{where} {said}".strip()


def _type_name(match: re.Match[str]) -> str:
    return " or ".join(_TYPES.get(f"`{name}`", name) for name in match[1].split(" | "))


def _choices(kind: type[Request], field: str) -> list[str]:
    """The texts that a field may have, where its type lists them."""
    types = [get_type_hints(kind).get(field)]
    types += get_args(types[0])
    return [str(one) for of in types if getattr(of, "__origin__", None) is Literal
            for one in get_args(of)]  # fmt: skip
