"""What the service knows of a directory, beside what is on the disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from csearchd.watch.exclusion.ignore_files import ignore_files, ignored
from support.user import SECONDS, Client, User, wait_for

PICTURES = (b".jpg", b".jpeg", b".png")


def known(user: User, directory: Path) -> set[bytes]:
    """All that a search finds below `directory`, by the rest of the path."""
    with user.connect() as client:
        return ask(client, directory)[0]


def ask(client: Client, directory: Path) -> tuple[set[bytes], dict[str, Any]]:
    """All that a search finds below `directory`, and the end of its answer."""
    scope = os.fsencode(directory)
    client.send(id=7, op="search", query="anything", scopes=[scope], top=100_000, wait="none")
    paths: set[bytes] = set()
    while (reply := client.receive()) and reply["type"] != "result":
        assert reply["type"] != "error", reply
        paths.update(hit["path"] for hit in reply.get("hits", ()))
    assert reply is not None
    return {path[len(scope) + 1 :] for path in paths}, reply


def known_names(user: User, directory: Path) -> set[str]:
    """As `known`, as text."""
    return {os.fsdecode(path) for path in known(user, directory)}


def wait_known(user: User, directory: Path, *want: str) -> None:
    """Waits until exactly these are known below `directory`."""
    try:
        wait_for(lambda: known_names(user, directory) == set(want), "the pictures")
    except AssertionError as error:
        have = known_names(user, directory)
        missing, more = sorted(set(want) - have), sorted(have - set(want))
        raise AssertionError(f"{error}; missing: {missing}, too many: {more}") from None


def on_disk(directory: Path) -> set[bytes]:
    """The pictures below `directory` that are to be found, by the rest of the path."""
    top = os.fsencode(directory)
    found: set[bytes] = set()
    for path, names, files in os.walk(top):
        if b".nosearch" in files or (b".nomedia" in files and path != top):
            names.clear()
            continue
        lines = ignore_files(top, path)
        names[:] = [
            name
            for name in names
            if not name.startswith(b".") and not ignored(lines, os.path.join(path, name), True)
        ]
        for name in files:
            whole = os.path.join(path, name)
            if not name.lower().endswith(PICTURES) or name.startswith(b"."):
                continue
            if ignored(lines, whole, False):
                continue
            if not os.path.islink(whole):
                found.add(whole[len(top) + 1 :])
    return found


def wait_until_equal(user: User, directory: Path, seconds: float = SECONDS) -> None:
    """Waits until what is known is what is on the disk, and nothing is to do."""
    want = on_disk(directory)  # nobody changes it meanwhile
    with user.connect() as client:

        def equal() -> bool:
            # A search leaves out what isn't there any more; the count doesn't.
            have, end = ask(client, directory)
            return have == want and end["images"] == len(want) and not end["pending"]

        try:
            wait_for(equal, "equality", seconds)
        except AssertionError as error:
            have, end = ask(client, directory)
            raise AssertionError(
                f"{error}; missing: {sorted(want - have)[:9]}, "
                f"too many: {sorted(have - want)[:9]}, "
                f"{end}, {user.status()}, {user.csearchctl('failed').stdout!r}, "
                f"{user.log()[-2000:]}"
            ) from None
