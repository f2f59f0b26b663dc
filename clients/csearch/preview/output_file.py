"""Writes the pictures that csearch makes, in the format that a file's name says; replaces only
those of the same kind that it has made before."""

from __future__ import annotations

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
        temporary = f"{self.path}.{os.getpid()}.new"
        try:
            with open(temporary, "xb") as file:
                file.write(done.stdout)
            os.replace(temporary, self.path)
        except OSError as error:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise ClientError(
                f"{printable(self.path)} cannot be written: {in_words(error)}"
            ) from error

    def check(self) -> None:
        """Raises ClientError if there is a file that isn't of this kind, or not csearch's."""
        try:
            ours = stat.S_ISREG(os.stat(self.path).st_mode)  # opening a pipe could block for ever
            if ours:
                with open(self.path, "rb") as file:
                    found = file.read(_PART_BYTES)
                    file.seek(-min(_PART_BYTES, os.fstat(file.fileno()).st_size), os.SEEK_END)
                    ours = f"csearch {self.kind}".encode() in found + file.read()
        except FileNotFoundError:
            return
        except OSError as error:
            raise ClientError(
                f"{printable(self.path)} cannot be written: {in_words(error)}"
            ) from error
        if not ours:
            raise ClientError(
                f"{printable(self.path)} exists and is not a {self.kind} of csearch; it is left as "
                "it is: choose another name"
            )


def output_file(path: str, kind: str) -> OutputFile:
    """The file for a picture of a `kind`, SHEET or DRAWING.

    Raises ClientError if its name has no suffix of FORMATS, or another file is there.
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
    return file
