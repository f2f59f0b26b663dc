"""The entry for the scripts: SHELL and what that shell hands over (csearch.completing.shells)."""

from __future__ import annotations

import sys

from csearch.command import end, write
from csearch.completing import shells


def main() -> None:
    """Prints what to offer; nothing where something is wrong."""
    try:
        write(shells.SHELLS[sys.argv[1]](*sys.argv[2:]).encode(errors="surrogateescape"))
    except Exception:
        end(1)
    end(0)


if __name__ == "__main__":
    main()
