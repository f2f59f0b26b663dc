"""What both commands' parsers share."""

from __future__ import annotations

import argparse
import os

from csearch import __version__


def parser(program: str, description: str, examples: str) -> argparse.ArgumentParser:
    """A parser that takes no abbreviations and shows `examples` (a line each) in its help."""
    lines = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    return argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=f"examples:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_version(arguments: argparse.ArgumentParser) -> None:
    """--version."""
    arguments.add_argument("--version", action="version", version=f"csearch {__version__}")


def absolute(path: str) -> bytes:
    """The absolute path of what the user named, as the bytes that were typed."""
    return os.path.abspath(os.fsencode(path))
