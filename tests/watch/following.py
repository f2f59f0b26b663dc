"""What the service knows of a directory, beside what is on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from support.user import SECONDS, Client, User, wait_for

PICTURES = (b".jpg", b".jpeg", b".png")


def known(user: User, directory: Path) -> set[bytes]:
    """All that a search finds below `directory`, by the rest of the path."""
    with user.connect() as client:
        return asked(client, directory)


def asked(client: Client, directory: Path) -> set[bytes]:
    scope = os.fsencode(directory)
    client.send(id=7, op="search", query="anything", scopes=[scope], top=100_000, wait="none")
    paths: set[bytes] = set()
    while (reply := client.receive()) and reply["type"] != "result":
        assert reply["type"] != "error", reply
        paths.update(hit["path"] for hit in reply.get("hits", ()))
    return {path[len(scope) + 1 :] for path in paths}


def on_disk(directory: Path) -> set[bytes]:
    """The pictures below `directory` that are to be found, by the rest of the path."""
    top = os.fsencode(directory)
    found: set[bytes] = set()
    for path, names, files in os.walk(top):
        if b".nosearch" in files:
            names.clear()
            continue
        names[:] = [name for name in names if not name.startswith(b".")]
        for name in files:
            whole = os.path.join(path, name)
            if name.lower().endswith(PICTURES) and not name.startswith(b"."):
                found.add(whole[len(top) + 1 :])
    return found


def wait_until_equal(user: User, directory: Path, seconds: float = SECONDS) -> None:
    """Waits until what is known is what is on the disk; nothing else may be to do then."""
    try:
        wait_for(lambda: known(user, directory) == on_disk(directory), "equality", seconds)
    except AssertionError:
        have, want = known(user, directory), on_disk(directory)
        raise AssertionError(
            f"missing: {sorted(want - have)[:9]}, too many: {sorted(have - want)[:9]}, "
            f"{user.status()}"
        ) from None
