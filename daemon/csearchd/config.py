"""The user's configuration, `config.toml`: its schema, and exact complaints about a file.

The dataclasses below are the one statement of each key's name, type, default, bounds and meaning.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, NamedTuple, get_type_hints

from csearch.protocol.system_errors import in_words
from csearchd.errors import ConfigError
from csearchd.paths import read_file


class Setting(NamedTuple):
    """What a key means, and which values it may have.

    The bounds are of whole numbers, `choices` of strings. `meaning` is a sentence for people,
    without capital and full stop; the manual page csearch-config(5) is made of these.
    """

    meaning: str
    minimum: int = 0
    maximum: int = 1 << 40
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Library:
    """What is remembered."""

    keep_days: Annotated[
        int,
        Setting(
            "days for which csearch remembers pictures without files, and removed models' vectors",
            maximum=36500,
        ),
    ] = 30


@dataclass(frozen=True)
class Scan:
    """What is searched."""

    hidden: Annotated[bool, Setting("whether hidden directories and files are searched")] = False
    exclude: Annotated[
        list[str],
        Setting(
            'what else to skip: names of directories, such as "raw-*", and paths of directories '
            'or files, such as "/mnt/nas/**/raw"'
        ),
    ] = field(default_factory=list)


@dataclass(frozen=True)
class Encode:
    """How pictures are read."""

    device: Annotated[
        str,
        Setting(
            "which kind of processor runs the image tower; each but the CPU needs its package",
            choices=("auto", "cpu", "cuda", "openvino", "migraphx", "rocm"),
        ),
    ] = "auto"
    threads: Annotated[
        int,
        Setting(
            "threads that read, decode and encode; 0 means one for each processor", maximum=256
        ),
    ] = 0
    idle_seconds: Annotated[
        int, Setting("seconds that the encoder waits for more work before it ends", maximum=86400)
    ] = 60
    on_battery: Annotated[bool, Setting("whether many pictures are read while on battery")] = False
    max_pixels: Annotated[int, Setting("pictures with more pixels are not decoded", 1)] = (
        300_000_000
    )
    max_bytes: Annotated[int, Setting("files with more bytes are not read", 1)] = 1_000_000_000
    max_memory: Annotated[int, Setting("bytes of memory that decoding one picture may take", 1)] = (
        2_000_000_000
    )
    max_seconds: Annotated[int, Setting("seconds after which a picture is given up", 1, 86400)] = 60


@dataclass(frozen=True)
class Search:
    """How queries are answered."""

    threads: Annotated[
        int,
        Setting("threads of the text tower; 0 means one for each processor, up to 4", maximum=256),
    ] = 0


@dataclass(frozen=True)
class Text:
    """Words in pictures."""

    enabled: Annotated[
        bool, Setting("whether words that stand in pictures are read, to find pictures by them")
    ] = True


@dataclass(frozen=True)
class Tags:
    """Which tags are written."""

    root: Annotated[
        str, Setting("the term above the hierarchies of written tags; may be empty")
    ] = "csearch"
    confidence: Annotated[
        int,
        Setting("how sure a tag must be, in per cent; more means fewer and better tags", 1, 99),
    ] = 60
    most: Annotated[int, Setting("how many tags a picture gets at most", 1, 100)] = 10


@dataclass(frozen=True)
class History:
    """Past queries."""

    keep: Annotated[bool, Setting("whether past queries are kept for completion")] = True


@dataclass(frozen=True)
class Log:
    """What the service logs."""

    level: Annotated[str, Setting("how much is logged", choices=("debug", "info", "warning"))] = (
        "info"
    )


@dataclass(frozen=True)
class Config:
    """The whole configuration: a field for each table of the file."""

    library: Library = field(default_factory=Library)
    scan: Scan = field(default_factory=Scan)
    encode: Encode = field(default_factory=Encode)
    search: Search = field(default_factory=Search)
    text: Text = field(default_factory=Text)
    tags: Tags = field(default_factory=Tags)
    history: History = field(default_factory=History)
    log: Log = field(default_factory=Log)


class Key(NamedTuple):
    """One key of the file."""

    section: str
    name: str
    default: Any
    setting: Setting

    @property
    def path(self) -> str:
        return f"{self.section}.{self.name}"


def _keys() -> Iterator[Key]:
    for section, values in vars(Config()).items():
        for name, hint in get_type_hints(type(values), include_extras=True).items():
            yield Key(section, name, getattr(values, name), hint.__metadata__[0])


KEYS = tuple(_keys())


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
        raise ConfigError(
            f"{path}: is not UTF-8 from byte {error.start} on; save it as UTF-8"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {in_words(error)}") from error
    return parse(text, path)


def parse(text: str, path: str) -> Config:
    """`text` as a configuration; `path` is for the complaints. Raises ConfigError."""
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # too large a number, tables too deep
        raise ConfigError(
            f"{path}: is not TOML: {error}; csearchctl help config shows how it is written"
        ) from error
    known = {key.path: key for key in KEYS}
    given: dict[str, dict[str, Any]] = {}
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
            given.setdefault(section, {})[name] = value
    config = Config()
    return replace(
        config, **{name: replace(getattr(config, name), **values) for name, values in given.items()}
    )


def _wrong(key: Key, value: Any) -> str | None:
    """What is wrong with `value`, if anything."""
    if type(value) is not type(key.default):
        kind = {bool: "true or false", int: "a whole number", str: "a string", list: "a list"}
        return f"{key.path} must be {kind[type(key.default)]}, not {value!r}"
    if type(value) is int and value < key.setting.minimum:
        return f"{key.path} must be at least {key.setting.minimum}, not {value}"
    if type(value) is int and value > key.setting.maximum:
        return f"{key.path} must be at most {key.setting.maximum}, not {value}"
    if key.path == "tags.root" and (value.strip(" /") != value or set(value) & set(",;|\n\t")):
        return f"{key.path} must hold none of , ; | and not begin or end with a slash or blank"
    if key.setting.choices and value not in key.setting.choices:
        return f"{key.path} must be one of {', '.join(key.setting.choices)}, not {value!r}"
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
