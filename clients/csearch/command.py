"""What both commands share: how they end, and how they write."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from csearch.errors import INTERRUPTED, ClientError
from csearch.protocol.quoting import harmless

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from typing import NoReturn


def run_command(name: str, command: Callable[[list[str]], int]) -> int:
    """Runs `command` with the arguments given; the exit status.

    An error becomes a line on stderr; a closed pipe is none.
    """
    try:
        _occupy_standard_descriptors()
        try:
            status = command(sys.argv[1:])
        except SystemExit as leaving:  # argparse, after an error or its help
            status = int(leaving.code or 0)
        _flush()
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return 0
    except ClientError as error:
        print_err(f"{name}: {error}")
        return error.exit_code


def end(status: int) -> NoReturn:
    """Ends the process, all of whose output is written: to take the interpreter down costs 5 ms."""
    os._exit(status)


def _occupy_standard_descriptors() -> None:
    """Where one of 0 to 2 is closed, the next file, such as the socket, would take its number.

    What is opened here can't be written to, so writing the answer fails as it should.
    """
    descriptor = os.open(os.devnull, os.O_RDONLY)
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    os.close(descriptor)


def _flush() -> None:
    """Writes what argparse has printed."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError as error:
            raise _unwritable(error) from error


def write(data: bytes) -> None:
    """Writes to standard output. Raises BrokenPipeError; ClientError for a full disk and such."""
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError as error:
        raise _unwritable(error) from error


def print_out(text: str) -> None:
    """A line on standard output, in UTF-8 whatever the locale, as the names of files mostly are."""
    write(f"{text}\n".encode(errors="surrogateescape"))


def print_err(text: str) -> None:
    """A line on stderr, if there is one to write to; nothing in it steers a terminal."""
    if sys.stderr is None:
        return
    try:
        print(harmless(text, kept="\n\t"), file=sys.stderr, flush=True)
    except OSError:
        pass


def _unwritable(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):
        return error
    return ClientError(f"the answer cannot be written: {error.strerror}")
