"""The tagger process: `python -m csearchd.tags`. It asks the daemon for work until there is none.

A process of its own, since the daemon never writes to a user's file, and under systemd can't.
"""

from __future__ import annotations

import logging
import os
import sys

from csearch.connection import Connection
from csearch.errors import ClientError
from csearch.protocol import Message
from csearchd.paths import standard_paths
from csearchd.tags.tagger import Tagger

_NICE = 10


def main() -> None:
    """Exits with 0 when there is nothing more to do, or the daemon has gone; 1 if it can't ask."""
    logging.basicConfig(stream=sys.stderr, level="INFO", format="csearchd.tags: %(message)s")
    os.nice(_NICE)
    try:
        work, reports = Connection(start=False), Connection(start=False)
        tagger: Tagger | None = None
        for reply in work.request("tags-serve"):
            if tagger is None:
                # Only now: another tagger's files are gone with it.
                directory = os.path.join(standard_paths().cache, "tagger")
                tagger = Tagger(reports.call, directory, reply.get("max_bytes", 0))
                for path in reply.get("sweep", ()):
                    tagger.sweep(path)
            items: list[Message] = reply.get("hits", [])
            if items:
                tagger.do(items)
        if tagger:
            tagger.close()
    except ClientError as error:
        sys.exit(f"csearchd.tags: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
