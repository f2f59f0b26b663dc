"""Changes one value in the text of the configuration file, and nothing else of it."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    Value: TypeAlias = bool | int

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(#.*)?$")


class Unchangeable(Exception):
    """The file is written in a way that only its author can change."""


def read(path: str) -> str:
    """The text of the file; "" where there is none. Raises OSError, Unchangeable."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise Unchangeable from None


def changed(text: str, section: str, key: str, value: Value) -> str:
    """The text with another value. Raises Unchangeable."""
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    lines = text.splitlines(keepends=True)
    new = "".join(_edited(lines, section, key, shown))
    try:
        wanted = tomllib.loads(text)
        wanted.setdefault(section, {})[key] = value
        if tomllib.loads(new) == wanted:
            return new
    except (tomllib.TOMLDecodeError, AttributeError, TypeError):
        pass
    raise Unchangeable


def _edited(lines: list[str], section: str, key: str, shown: str) -> list[str]:
    setting = re.compile(rf"(\s*{re.escape(key)}\s*=\s*)[^#\r\n]*?(\s*(?:#.*)?\r?\n?)$")
    begin = None
    for number, line in enumerate(lines):
        if header := _HEADER.match(line):
            if begin is not None:
                break
            if header[1].strip() == section:
                begin = number
        elif begin is not None and (found := setting.match(line)):
            return [*lines[:number], f"{found[1]}{shown}{found[2]}", *lines[number + 1 :]]
    if begin is not None:
        head = lines[begin] if lines[begin].endswith("\n") else lines[begin] + "\n"
        return [*lines[:begin], head, f"{key} = {shown}\n", *lines[begin + 1 :]]
    if lines and not lines[-1].endswith("\n"):
        lines = [*lines[:-1], lines[-1] + "\n"]
    gap = ["\n"] if lines else []
    return [*lines, *gap, f"[{section}]\n", f"{key} = {shown}\n"]


def write(path: str, text: str) -> None:
    """Replaces the file as a whole; where it is a link, what it links to. Raises OSError."""
    path = os.path.realpath(path)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    try:
        mode = os.stat(path).st_mode & 0o777
    except FileNotFoundError:
        mode = 0o600
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".config-")
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def take_back(path: str, before: str, after: str) -> None:
    """Writes the text `before` again, unless somebody else has changed the file since."""
    with contextlib.suppress(OSError, Unchangeable):
        if read(path) == after:
            write(path, before)
