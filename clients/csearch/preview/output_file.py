"""Pictures that csearch makes, and no other, are replaced by new ones."""

from __future__ import annotations

import os
import stat

from csearch.errors import ClientError
from csearch.protocol.quoting import printable

_MARK = b"Software\0csearch"  # in a PNG that we made
_HEAD = 1 << 16  # bytes in which it stands


def check_replaceable(path: str, kind: str) -> None:
    """Raises ClientError where a file is at `path` that we didn't make; `kind` is what we make."""
    try:
        ours = stat.S_ISREG(os.stat(path).st_mode)  # to open a pipe may take for ever
        if ours:
            with open(path, "rb") as file:
                ours = _MARK in file.read(_HEAD)
        if not ours:
            raise ClientError(f"{printable(path)} exists and is no {kind}; it stays as it is")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ClientError(f"{printable(path)}: {error.strerror}") from error


def write_atomically(path: str, data: bytes) -> None:
    """Writes a file, whole or not at all. Raises ClientError."""
    temporary = f"{path}.{os.getpid()}.new"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError as error:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise ClientError(f"{printable(path)}: {error.strerror}") from error
