"""Watches the contents of git-annex: they come and go without a change where their links are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from csearchd.watch.inotify import CONTENT_EVENTS, Inotify
from csearchd.watch.watches import Node, Watches

_MOST = 2048  # watches of single contents; all watches together have a limit for each user
_ANNEX = b"/.git/annex"


class ContentWatches:
    """For each directory with links, watches of what they mean. Only the scanning thread uses it.

    Of each repository, the directory with git-annex's index is watched, since its commands change
    that when they get or drop contents. The contents themselves are, too, for other programs, or
    where they aren't there, the directories that they would be in; but not of very many.
    """

    def __init__(self, inotify: Inotify | None, watches: Watches) -> None:
        self._inotify = inotify
        self._watches = watches
        self._nodes = watches.contents
        self._of_node: dict[Node, set[int]] = {}

    def nodes(self, watch: int) -> list[Node]:
        """The directories with links to what `watch` is about."""
        return list(self._nodes.get(watch, ()))

    def has_links(self, node: Node) -> bool:
        """Whether there are links in the directory."""
        return node in self._of_node

    def update(self, node: Node, contents: Sequence[bytes]) -> bool:
        """Watches the `contents` of the links in a directory. Returns whether anything is watched
        that wasn't before, so that the directory must be listed again."""
        before = self._of_node.pop(node, set())
        if not contents or self._inotify is None:
            self._release(node, before)
            return False
        now: set[int] = set()
        for path, is_index in _places(contents).items():
            has_room = len(self._nodes) < _MOST and not self._watches.is_full
            if has_room or is_index or len(now) < len(before):
                try:
                    watch = self._inotify.add(path, CONTENT_EVENTS)
                except OSError:
                    continue  # gone meanwhile, or the user's limit: the next scan notices
                now.add(watch)
                self._nodes.setdefault(watch, set()).add(node)
        self._of_node[node] = now
        self._release(node, before - now)
        return not now <= before

    def forget(self, node: Node) -> None:
        """Ends the watches for a directory that is no longer watched itself."""
        self._release(node, self._of_node.pop(node, set()))

    def gone(self, watch: int) -> None:
        """Must be called when the kernel has removed a watch."""
        for node in self._nodes.pop(watch, ()):
            self._of_node.get(node, set()).discard(watch)

    def _release(self, node: Node, watches: Iterable[int]) -> None:
        for watch in watches:
            nodes = self._nodes.get(watch, set())
            nodes.discard(node)
            if not nodes:
                self._nodes.pop(watch, None)
                if self._inotify and not self._watches.nodes(watch):
                    self._inotify.remove(watch)


def _places(contents: Sequence[bytes]) -> dict[bytes, bool]:
    """The directories to watch, and whether there is one for a repository's index: those first."""
    indexes = dict.fromkeys(content.partition(_ANNEX + b"/")[0] + _ANNEX for content in contents)
    above = dict.fromkeys(map(os.path.dirname, contents))
    places = {_nearest(directory): True for directory in indexes}
    for directory in above:
        places.setdefault(_nearest(directory), False)
    return places


def _nearest(directory: bytes) -> bytes:
    """`directory` if it exists, else the nearest one above it that does, in the repository's
    .git."""
    while not directory.endswith(b"/.git") and not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    return directory
