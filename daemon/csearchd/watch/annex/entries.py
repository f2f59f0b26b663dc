"""Entries of a directory whose content is in git-annex."""

from __future__ import annotations

import os
from typing import NamedTuple

from csearchd.system import annex


class Annexed(NamedTuple):
    """A symbolic link to a content; the counterpart of os.DirEntry."""

    name: str
    content: bytes  # its path

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        """lstat(2) of the content. Raises FileNotFoundError if it isn't there."""
        try:
            return annex.content_stat(self.content)
        except OSError as error:
            raise FileNotFoundError(self.content) from error


class AnnexedEntries:
    """Looks up the contents of a directory's files."""

    def __init__(self, descriptor: int, path: bytes) -> None:
        """`descriptor`: of the directory at `path`."""
        self.contents: list[bytes] = []  # the paths of those found so far, there or not
        self._descriptor = descriptor
        self._path = path
        self._is_annex: bool | None = None  # whether its repository is one of git-annex

    def resolved(self, entry: os.DirEntry[str]) -> os.DirEntry[str] | Annexed | None:
        """The entry if it is a regular file, its content if it is a link of git-annex; else None.
        Raises OSError."""
        if entry.is_file(follow_symlinks=False):
            return entry
        if not entry.is_symlink():
            return None
        try:
            target = os.readlink(os.fsencode(entry.name), dir_fd=self._descriptor)
        except FileNotFoundError:
            return None
        content = annex.linked_content(self._path, target)
        if content is None:
            return None
        self.contents.append(content)
        return Annexed(entry.name, content)

    def stat(self, entry: os.DirEntry[str] | Annexed) -> os.stat_result:
        """lstat(2) of a file, or of its content if a pointer file of git-annex is in its place.
        Raises OSError."""
        info = entry.stat(follow_symlinks=False)
        if not 0 < info.st_size <= annex.MAX_POINTER or isinstance(entry, Annexed):
            return info
        if not self._in_annex():
            return info
        name = os.fsencode(entry.name)
        try:
            content = annex.content_of(name, self._descriptor, self._path)
        except PermissionError:
            return info  # reading the file is going to fail, too
        if content is None:
            return info
        self.contents.append(content)
        return Annexed(entry.name, content).stat(follow_symlinks=False)

    def _in_annex(self) -> bool:
        if self._is_annex is None:
            repository = annex.repository_of(self._path)
            self._is_annex = bool(repository and os.path.isdir(repository + b"/.git/annex"))
        return self._is_annex
