"""What install has put where, so that uninstall takes exactly that away."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field

from csearch.directories import data_directory
from csearch.errors import ClientError
from csearch.protocol.private_directory import make_directories
from csearch.protocol.quoting import harmless, printable


@dataclass
class Manifest:
    command: str = ""  # of the environment that was installed
    files: dict[str, str] = field(default_factory=dict)  # digest of the content by path
    directories: list[str] = field(default_factory=list)  # made for them


def manifest_path() -> str:
    return os.path.join(data_directory(), "installed.json")


def load() -> Manifest:
    """Empty where nothing is installed. Raises ClientError for a damaged one."""
    path = manifest_path()
    try:
        with open(path, encoding="utf-8") as file:
            return Manifest(**json.load(file))
    except FileNotFoundError:
        return Manifest()
    except (OSError, ValueError, TypeError) as error:
        raise ClientError(
            f"{printable(path)}: cannot be read ({harmless(str(error))}); remove it, then install"
        ) from error


def save(manifest: Manifest) -> None:
    """Writes it, or removes it where nothing is installed."""
    path = manifest_path()
    try:
        if not manifest.files:
            if os.path.exists(path):
                os.unlink(path)
            return
        make_directories(data_directory())
        write_file(path, json.dumps(asdict(manifest), indent=1).encode(), 0o600)
    except OSError as error:
        raise ClientError(f"{printable(path)}: cannot be written: {error.strerror}") from error


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_file(path: str) -> bytes | None:
    """Its content; None if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def write_file(path: str, content: bytes, mode: int = 0o644) -> None:
    """Replaces the file as a whole, or not at all."""
    make_directories(os.path.dirname(path))
    temporary = f"{path}.csearch-{os.getpid()}"
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        os.replace(temporary, path)
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
