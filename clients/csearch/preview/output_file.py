"""Writes pictures that csearch makes; replaces only files that it has made before."""

from __future__ import annotations

import os
import stat

from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable

_MARK = b"Software\0csearch"  # in a PNG made by csearch
_HEAD_BYTES = 1 << 16  # at the beginning, which contain the mark


def check_replaceable(path: str, kind: str) -> None:
    """Raises ClientError if a file at `path` wasn't made by csearch; `kind` names what it makes."""
    try:
        ours = stat.S_ISREG(os.stat(path).st_mode)  # opening a pipe could block for ever
        if ours:
            with open(path, "rb") as file:
                ours = _MARK in file.read(_HEAD_BYTES)
        if not ours:
            raise ClientError(f"{printable(path)} exists and is not a {kind}; it is left unchanged")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ClientError(f"{printable(path)}: {error.strerror}") from error


def write_atomically(path: str, data: bytes) -> None:
    """Writes a file, as a whole or not at all. Raises ClientError."""
    temporary = f"{path}.{os.getpid()}.new"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError as error:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise ClientError(f"{printable(path)}: {error.strerror}") from error
