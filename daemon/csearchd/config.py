"""The user's configuration, `config.toml`: its keys, their defaults, and exact complaints."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, fields
from typing import Any

from csearchd.errors import ConfigError
from csearchd.paths import read_file


@dataclass(frozen=True)
class Key:
    """One key of the configuration. The bounds are of whole numbers, `choices` of strings."""

    section: str
    name: str
    default: Any
    meaning: str
    minimum: int = 0
    maximum: int = 1 << 40
    choices: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return f"{self.section}.{self.name}"


KEYS = (
    Key(
        "library",
        "keep_days",
        30,
        "days that a picture without a file, or what a removed model made, is remembered",
        0,
        36500,
    ),
    Key("scan", "hidden", False, "whether hidden directories and files are searched too"),
    Key("scan", "exclude", [], 'more names of directories to skip, such as "raw-*" (wildcards)'),
    Key("encode", "device", "auto", "what runs the image tower", choices=("auto", "cpu", "cuda")),
    Key(
        "encode",
        "threads",
        0,
        "threads that read, decode, encode; 0 is one for each processor",
        0,
        256,
    ),
    Key(
        "encode",
        "idle_seconds",
        60,
        "how long the encoder waits for more work, then ends",
        0,
        86400,
    ),
    Key("encode", "on_battery", False, "whether many pictures are read on battery too"),
    Key("encode", "max_pixels", 300_000_000, "larger pictures are not decoded", 1),
    Key("encode", "max_bytes", 1_000_000_000, "larger files are not read", 1),
    Key("encode", "max_memory", 2_000_000_000, "bytes that decoding one picture may take", 1),
    Key("encode", "max_seconds", 60, "a picture that takes longer is given up", 1, 86400),
    Key(
        "search",
        "threads",
        0,
        "threads of the text tower; 0 is one for each processor, up to 4",
        0,
        256,
    ),
    Key("tags", "root", "csearch", "what hierarchies of written tags are below; may be empty"),
    Key(
        "tags",
        "confidence",
        50,
        "how sure a tag must be, in per cent; more means fewer and better ones",
        1,
        99,
    ),
    Key("tags", "most", 10, "tags that a picture gets at most", 1, 100),
    Key("history", "keep", True, "whether past queries are kept, for completion"),
    Key("log", "level", "info", "how much is logged", choices=("debug", "info", "warning")),
)


@dataclass(frozen=True)
class Library:
    keep_days: int


@dataclass(frozen=True)
class Scan:
    hidden: bool
    exclude: list[str]


@dataclass(frozen=True)
class Encode:
    device: str
    threads: int
    idle_seconds: int
    on_battery: bool
    max_pixels: int
    max_bytes: int
    max_memory: int
    max_seconds: int


@dataclass(frozen=True)
class Search:
    threads: int


@dataclass(frozen=True)
class Tags:
    root: str
    confidence: int
    most: int


@dataclass(frozen=True)
class History:
    keep: bool


@dataclass(frozen=True)
class Log:
    level: str


@dataclass(frozen=True)
class Config:
    """Every key of KEYS, checked."""

    library: Library
    scan: Scan
    encode: Encode
    search: Search
    tags: Tags
    history: History
    log: Log


def load(path: str) -> Config:
    """The configuration in the file at `path`; the defaults if there is none.

    Raises ConfigError for a file that can't be read, isn't TOML, or has an unknown key, a value of
    the wrong type or one out of bounds.
    """
    try:
        text = read_file(path).decode()
    except FileNotFoundError:
        return parse("", path)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return parse(text, path)


def parse(text: str, path: str) -> Config:
    """`text` as a configuration; `path` is for the complaints. Raises ConfigError."""
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # too large a number, tables too deep
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    known = {key.path: key for key in KEYS}
    given: dict[str, Any] = {}
    for section, table in tables.items():
        if not any(key.section == section for key in KEYS) and not (
            isinstance(table, dict) and table
        ):
            raise _complaint(path, text, section, _unknown(section, known))
        if not isinstance(table, dict):
            raise _complaint(path, text, section, f"{section} must be a table: [{section}]")
        for name, value in table.items():
            key = known.get(f"{section}.{name}")
            if key is None:
                raise _complaint(
                    path, text, f"{section}.{name}", _unknown(f"{section}.{name}", known)
                )
            if wrong := _wrong(key, value):
                raise _complaint(path, text, key.path, wrong)
            given[key.path] = value
    types = {
        "library": Library,
        "scan": Scan,
        "encode": Encode,
        "search": Search,
        "tags": Tags,
        "history": History,
        "log": Log,
    }
    return Config(
        **{
            section: kind(
                **{
                    field.name: given.get(path, known[path].default)
                    for field in fields(kind)
                    if (path := f"{section}.{field.name}")
                }
            )
            for section, kind in types.items()
        }
    )


def _wrong(key: Key, value: Any) -> str | None:
    """What is wrong with `value`, if anything."""
    if type(value) is not type(key.default):
        kind = {bool: "true or false", int: "a whole number", str: "a string", list: "a list"}
        return f"{key.path} must be {kind[type(key.default)]}, not {value!r}"
    if type(value) is int and value < key.minimum:
        return f"{key.path} must be at least {key.minimum}, not {value}"
    if type(value) is int and value > key.maximum:
        return f"{key.path} must be at most {key.maximum}, not {value}"
    if key.path == "tags.root" and (value.strip(" /") != value or set(value) & set(",;|\n\t")):
        return f"{key.path} must hold none of , ; | and not begin or end with a slash or blank"
    if key.choices and value not in key.choices:
        return f"{key.path} must be one of {', '.join(key.choices)}, not {value!r}"
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        return f"{key.path} must be a list of strings"
    return None


def _unknown(name: str, known: dict[str, Key]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unknown key {name}{hint}"


def _complaint(path: str, text: str, key: str, what: str) -> ConfigError:
    return ConfigError(f"{path}, line {_line(text, key)}: {what}")


def _line(text: str, key: str) -> int:
    """The line that sets `key` ("section.name" or "section"); tomllib keeps no positions."""
    section, _, name = key.partition(".")
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            current = header[1].strip("\"'")
            if not name and current == section:
                return number
        elif setting := re.match(r"\s*([^=]+?)\s*=", line):
            written = re.sub(r"[\s\"']", "", setting[1])
            whole = f"{current}.{written}" if current else written
            if key in (whole, written if not current else "") or whole.startswith(key + "."):
                return number
            if whole == section:  # section = { name = … }
                return number
    return 1
