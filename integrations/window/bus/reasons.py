"""What the service says, in the user's language: translated by code, with its parameters.

The service gives each sentence as {code, parameters, text} (csearchd.reasons). Codes of a newer
service, which the table lacks, are shown by their English text.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from bus.templates import N_, TEMPLATES
from texts import _, number

if TYPE_CHECKING:
    from typing import TypeAlias, TypedDict

    class Reason(TypedDict):
        code: str
        parameters: dict[str, Parameter]
        text: str

    Parameter: TypeAlias = Reason | bytes | float | int | str


# What is said to commands only, and where the window has a button for what a terminal has a command
# for.
_OF_WINDOWS = {
    "paused": N_("reading is paused"),
    "on-battery": N_("waiting: on battery"),
    "english-only": N_("the model {model} knows English only; the preferences offer a better one"),
    "saved-search-exists": N_("there is a saved search “{name}” already"),
    "saved-search-name-taken": N_("there is a saved search “{name}” already"),
    "no-saved-search": N_("there is no saved search “{name}” any more"),
    "saved-scope-unknown": N_("nothing is known of {path}, where the search looks"),
    "not-a-saved-name": N_("a saved search can't be called “{name}”"),
}


def translated(reason: Reason) -> str:
    """The sentence in the user's language."""
    template = _template(reason["code"])
    if template is None:
        return reason["text"]
    values = {name: _shown(value) for name, value in reason["parameters"].items()}
    try:
        return _(template).format(**values)
    except KeyError:  # another version of the service has other parameters
        return reason["text"]


def sentence(reason: Reason) -> str:
    """As `translated`, from a capital letter to a full stop, unless it begins with a name."""
    text = translated(reason)
    if not (_template(reason["code"]) or "{")[0].isalpha():
        return text
    return f"{text[0].upper()}{text[1:]}{'' if text[-1] in '.?!' else '.'}"


def _template(code: str) -> str | None:
    return _OF_WINDOWS.get(code) or TEMPLATES.get(code)


def system_error(error: OSError) -> str:
    """What an OSError says, without the file's name."""
    code = errno.errorcode.get(error.errno or 0, "")
    return translated({"code": code, "parameters": {}, "text": error.strerror or str(error)})


def _shown(value: Parameter) -> str:
    """A parameter as a sentence shows it."""
    if isinstance(value, dict):
        return translated(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float):
        return f"{value:g}"
    return number(value) if isinstance(value, int) else value
