"""The manifest: the files and links that install has made; uninstall removes exactly these."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field

from csearch.directories import data_directory
from csearch.protocol.errors import ClientError
from csearch.protocol.private_directory import make_directories
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words


@dataclass
class Manifest:
    command: str = ""  # runs the Python of the environment that was installed
    files: dict[str, str] = field(default_factory=dict)  # digests of the contents by path
    directories: list[str] = field(default_factory=list)  # that were made for the files
    links: dict[str, str] = field(default_factory=dict)  # to the commands, and what they lead to


def manifest_path() -> str:
    return os.path.join(data_directory(), "installed.json")


def load() -> Manifest:
    """The manifest; empty if nothing is installed. Raises ClientError if it can't be read."""
    path = manifest_path()
    try:
        with open(path, encoding="utf-8") as file:
            return _checked(Manifest(**json.load(file)))
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise ClientError(f"{printable(path)}: cannot be read: {in_words(error)}") from error
    except (ValueError, TypeError) as error:
        raise ClientError(
            f"{printable(path)}: is damaged; remove it, then csearchctl install"
        ) from error


def _checked(manifest: Manifest) -> Manifest:
    """Raises ValueError if a manifest isn't as it was written."""
    files, directories, links = manifest.files, manifest.directories, manifest.links
    if not (isinstance(files, dict) and isinstance(directories, list) and isinstance(links, dict)):
        raise ValueError("no files, directories or links")
    texts = [manifest.command, *files.values()]
    paths = [*files, *directories, *links, *links.values()]
    if not all(isinstance(text, str) for text in [*texts, *paths]):
        raise ValueError("not texts")
    if not all(os.path.isabs(path) and "\0" not in path for path in paths):
        raise ValueError("relative paths")
    return manifest


def save(manifest: Manifest) -> None:
    """Writes the manifest, or removes its file if nothing is installed. Raises ClientError."""
    path = manifest_path()
    try:
        if not manifest.files and not manifest.links:
            if os.path.exists(path):
                os.unlink(path)
            return
        make_directories(data_directory())
        write_file(path, json.dumps(asdict(manifest), indent=1).encode(), 0o600)
    except OSError as error:
        raise ClientError(f"{printable(path)}: cannot be written: {in_words(error)}") from error


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_file(path: str) -> bytes | None:
    """A file's content; None if it doesn't exist, b"" of a directory in its place. Raises
    ClientError."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        return b""
    except OSError as error:
        raise ClientError(f"{printable(path)} cannot be read: {in_words(error)}") from error


def write_file(path: str, content: bytes, mode: int = 0o644) -> None:
    """Writes a file, as a whole or not at all, and missing directories. Raises OSError."""
    make_directories(os.path.dirname(path))
    temporary = f"{path}.csearch-{os.getpid()}"
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
