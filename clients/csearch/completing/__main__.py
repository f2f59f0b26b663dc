"""Entry point: the arguments are SHELL and those of its function in csearch.completing.shells."""

from __future__ import annotations

import sys

from csearch.command import end, write
from csearch.completing import shells


def main() -> None:
    """Prints the completions; nothing if anything goes wrong."""
    try:
        write(shells.SHELLS[sys.argv[1]](*sys.argv[2:]).encode(errors="surrogateescape"))
    except Exception:
        end(1)
    end(0)


if __name__ == "__main__":
    main()
