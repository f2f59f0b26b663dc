"""Running a command: output, error messages and exit statuses, for csearch and csearchctl."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from csearch.protocol.errors import INTERRUPTED, ClientError
from csearch.protocol.quoting import harmless
from csearch.protocol.system_errors import in_words

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from typing import NoReturn


def run_command(name: str, command: Callable[[list[str]], int]) -> int:
    """Runs `command` with the process's arguments; returns the exit status.

    A ClientError becomes a line on stderr. A closed pipe is no error.
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
    """Ends the process at once. All output is written, and shutting down Python takes 5 ms."""
    os._exit(status)


def _occupy_standard_descriptors() -> None:
    """Opens descriptors 0 to 2 if they are closed, so that no other file gets these numbers.

    They are opened for reading only, so that writing to standard output still fails.
    """
    descriptor = os.open(os.devnull, os.O_RDONLY)
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    os.close(descriptor)


def _flush() -> None:
    """Flushes what argparse has printed. Raises BrokenPipeError, ClientError."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError as error:
            raise _unwritable(error) from error


def write(data: bytes) -> None:
    """Writes to standard output. Raises BrokenPipeError, or ClientError if the disk is full."""
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError as error:
        raise _unwritable(error) from error


def print_out(text: str) -> None:
    """Prints a line to standard output, in UTF-8 in any locale, since file names mostly are."""
    write(f"{text}\n".encode(errors="surrogateescape"))


def print_err(text: str) -> None:
    """Prints a line to stderr, if it is open, without control characters."""
    if sys.stderr is None:
        return
    try:
        print(harmless(text, kept="\n\t"), file=sys.stderr, flush=True)
    except OSError:
        pass


def _unwritable(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):
        return error
    return ClientError(f"the answer cannot be written: {in_words(error)}")
