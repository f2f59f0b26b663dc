"""`python -m csearch.installation.moved_bookmarks FOLDER [NEW]`: bookmarks of a folder that was
renamed to NEW lead to it again; without NEW they are removed.

The search window runs this for saved searches: it isn't in csearch's own Python, and the service
may not write to the user's files.
"""

from __future__ import annotations

import os
import sys

from csearch.installation import bookmarks


def main() -> None:
    folder, *new = map(os.fsencode, sys.argv[1:])
    if new:
        bookmarks.move(folder, new[0])
    else:
        bookmarks.remove(folder.__eq__)


if __name__ == "__main__":
    main()
