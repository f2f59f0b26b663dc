"""csearch --grid: a contact sheet of the results."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

from csearch.errors import ClientError
from csearch.protocol import Message, pack

_MARK = b"Software\0csearch"  # in a sheet that we made
_HEAD = 1 << 16  # bytes in which it stands
_MOST = 1000  # pictures: more than that no viewer shows well


class Sheet(NamedTuple):
    """A sheet that is to be written to `path`."""

    path: str
    pictures: list[Message]

    def add(self, hits: list[Message]) -> None:
        for hit in hits[: _MOST - len(self.pictures)]:
            name = os.path.basename(hit["path"]).decode(errors="replace")
            score = "" if hit["score"] is None else f"{hit['score']:.3f}"
            self.pictures.append({"path": hit["path"], "name": name, "score": score})

    def write(self) -> None:
        """Makes it, whole or not at all. Raises ClientError."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "csearchd.encode.sheet"],
            input=pack({"pictures": self.pictures}),
            capture_output=True,
        )
        if done.returncode != 0 or not done.stdout:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise ClientError(f"{self.path}: the sheet could not be made: {said[-1:] or '?'}")
        temporary = f"{self.path}.{os.getpid()}.new"
        try:
            with open(temporary, "xb") as file:
                file.write(done.stdout)
            os.replace(temporary, self.path)
        except OSError as error:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise ClientError(f"{self.path}: {error.strerror}") from error


def sheet(path: str) -> Sheet:
    """A sheet for `path`. Raises ClientError where a file is there that is none."""
    try:
        with open(path, "rb") as file:
            if _MARK not in file.read(_HEAD):
                raise ClientError(f"{path} exists and is no contact sheet; it stays as it is")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ClientError(f"{path}: {error.strerror}") from error
    return Sheet(path, [])
