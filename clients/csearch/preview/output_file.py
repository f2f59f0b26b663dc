"""Writes the pictures that csearch makes, in the format that a file's name says; replaces only
those of the same kind that it has made before."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from typing import NamedTuple

from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import harmless, printable
from csearch.protocol.system_errors import in_words
from csearch.protocol.wire import Message, pack

SHEET, DRAWING = "contact sheet", "drawing of regions"
FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF",
    ".tiff": "TIFF", ".avif": "AVIF", ".gif": "GIF",
}  # fmt: skip
"""What can be written, by the end of the name, as csearchd.previews.output names it."""

_PART_BYTES = 1 << 16  # at the beginning and at the end of a file, which contain the mark


class OutputFile(NamedTuple):
    """A picture of a `kind` that will be written to `path` in a `form` of FORMATS."""

    path: str
    kind: str
    form: str

    def make(self, module: str, message: Message) -> None:
        """Has `module`, a program of the service, make the picture of a message, and writes it as a
        whole or not at all. Raises ClientError."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", module],
            input=pack({**message, "form": self.form, "kind": self.kind}),
            capture_output=True,
        )
        if done.returncode != 0 or not done.stdout:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            reason = harmless(said[-1]) if said else "no reason given"
            raise ClientError(f"{printable(self.path)}: the {self.kind} was not made: {reason}")
        self.check()
        temporary = os.path.join(_directory(self.path), f".csearch-{os.getpid()}.new")
        try:
            with open(temporary, "xb") as file:
                try:
                    file.write(done.stdout)
                    file.flush()
                    os.replace(temporary, self.path)
                except BaseException:
                    os.unlink(temporary)
                    raise
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def check(self) -> None:
        """Raises ClientError if there is a file that isn't of this kind, or not csearch's."""
        try:
            ours = self._is_ours()
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unwritable(self.path, error) from error
        if not ours:
            raise ClientError(
                f"{printable(self.path)} exists and is not a {self.kind} of csearch; it is left as "
                "it is: choose another name"
            )

    def _is_ours(self) -> bool:
        """Whether the file there has the mark of this kind. Raises OSError."""
        if not stat.S_ISREG(os.stat(self.path).st_mode):  # opening a pipe could block for ever
            return False
        with open(self.path, "rb") as file:
            found = file.read(_PART_BYTES)
            file.seek(-min(_PART_BYTES, os.fstat(file.fileno()).st_size), os.SEEK_END)
            return f"csearch {self.kind}".encode() in found + file.read()


def output_file(path: str, kind: str) -> OutputFile:
    """The file for a picture of a `kind`, SHEET or DRAWING.

    Raises ClientError if its name has no suffix of FORMATS, if another file is there, or if none
    can be made there.
    """
    start, suffix = os.path.splitext(path)
    form = FORMATS.get(suffix.lower())
    if form is None:
        *names, last = FORMATS
        what = f"files that end in {suffix} can't be written" if suffix else "it has no suffix"
        name = os.path.basename(start) or "picture"
        raise ClientError(
            f"{printable(path)}: {printable(what)}; a {kind} can be {', '.join(names)} or {last}, "
            f"as in {printable(name)}.jpg"
        )
    file = OutputFile(path, kind, form)
    file.check()
    if not os.path.isdir(_directory(path)):
        raise _unwritable(path, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
    return file


def _directory(path: str) -> str:
    return os.path.dirname(path) or os.curdir


def _unwritable(path: str, error: OSError) -> ClientError:
    return ClientError(f"{printable(path)} cannot be written: {in_words(error)}")
