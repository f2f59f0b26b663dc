"""What the daemon tells people: sentences that also have a code and parameters, for programs.

Each sentence is defined once, as a Template in a module of this package. Where something goes
wrong, or is worth a remark, the template is called with its parameters and gives a Reason, which
goes to clients as {code, parameters, text} (csearch.protocol.wire). A program that speaks another
language than English translates by the code; `integrations/window/bus/templates.py` does.

A code stays as it is for as long as the sentence means the same. The codes of errors that come from
the system are the names of errno(3), such as "EACCES".
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Union

from csearch.protocol.system_errors import in_words

Parameter = Union[str, int, float, bytes, "Reason"]
"""A path is bytes. A sentence may be a part of another one."""

_PATHS = ("path", "copy", "above")  # parameters that are paths, even if given as str


@dataclass(frozen=True)
class Reason:
    """A sentence for the user; `str()` gives the English text."""

    code: str  # stable, lower case, words joined by "-"; or the name of an errno
    text: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return self.text

    def to_message(self) -> dict[str, Any]:
        """The reason as clients get it; the inverse of `from_message`."""
        parameters = {
            name: value.to_message() if isinstance(value, Reason) else value
            for name, value in self.parameters.items()
        }
        return {"code": self.code, "parameters": parameters, "text": self.text}

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Reason:
        """Raises KeyError or AttributeError where the message is no reason."""
        parameters = {
            name: cls.from_message(value) if isinstance(value, dict) else value
            for name, value in message["parameters"].items()
        }
        return cls(message["code"], message["text"], _with_paths(parameters))

    @classmethod
    def from_json(cls, text: str) -> Reason:
        """The reason whose message `text` holds as JSON; `other` for text of an older version."""
        try:
            return cls.from_message(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError):
            return OTHER(text=text)


class Template:
    """An English sentence with named fields (str.format), and its code."""

    def __init__(self, code: str, english: str) -> None:
        self.code = code
        self.english = english
        self.fields = frozenset(name for _, name, _, _ in Formatter().parse(english) if name)

    def __call__(self, **parameters: Parameter) -> Reason:
        """The sentence with these parameters, one for each field."""
        given = _with_paths(parameters)
        return Reason(self.code, self.english.format_map(_Shown(given)), given)


def _with_paths(parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Parameters whose paths are bytes."""
    return {
        name: os.fsencode(value) if name in _PATHS and isinstance(value, str) else value
        for name, value in parameters.items()
    }


class _Shown(dict[str, Any]):
    """Parameters as an English sentence shows them."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, bytes):
            return os.fsdecode(value)
        return str(value) if isinstance(value, Reason) else value


def told(remarks: Iterable[Reason]) -> dict[str, Any]:
    """Returns remarks as a reply has them: `notes`, lines for the user, and `remarks`."""
    remarks = list(remarks)
    return {
        "notes": [str(remark) for remark in remarks],
        "remarks": [remark.to_message() for remark in remarks],
    }


OTHER = Template("other", "{text}")  # of a library or another program, in its own words
PATH = Template("path", "{path}: {reason}")
LIST = Template("list", "{first}; {rest}")


def from_system(error: OSError, advised: bool = True) -> Reason:
    """What the system says of `error`, without the file's name, and what to do, unless it isn't
    `advised` because the rest of the sentence tells that."""
    text = in_words(error) if advised else error.strerror or str(error)
    name = errno.errorcode.get(error.errno or 0)
    return Reason(name, text) if name else OTHER(text=text)
