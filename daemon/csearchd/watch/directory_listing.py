"""Reads the listing of a directory from the disk."""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

from csearch.protocol.system_errors import in_words
from csearchd.errors import UnreadableError
from csearchd.formats.suffixes import developed_names, is_sidecar, sidecar_names
from csearchd.library.listings import MARKED, FileStat, Listing
from csearchd.metadata.picasa import is_picasa
from csearchd.metadata.takeout.names import head, may_be_takeout, takeout_names
from csearchd.system.directories import open_directory
from csearchd.system.files import signed, stored_time
from csearchd.system.filesystem import MountTable
from csearchd.watch.annex.entries import Annexed, AnnexedEntries
from csearchd.watch.exclusion.boundaries import Boundaries
from csearchd.watch.exclusion.ignore_files import IGNORE_FILE
from csearchd.watch.rules import Rules

_Entry = os.DirEntry[str] | Annexed


def may_describe_picture(name: bytes) -> bool:
    """Whether a file of this name may be one beside a picture that says something of it."""
    return is_sidecar(name) or is_picasa(name) or may_be_takeout(name)


class VersionFields(NamedTuple):
    """Which fields of lstat(2) tell versions of a file apart, beside its size and mtime.

    `ctime` doesn't on network and cloud file systems; `inode` must stay the same after the next
    mount.
    """

    ctime: bool = True
    inode: bool = True


ALL_FIELDS = VersionFields()


def read_listing(
    path: bytes,
    rules: Rules | Boundaries,
    versions: VersionFields = ALL_FIELDS,
    top: bytes = b"/",
) -> Listing | None:
    """The listing of the directory at `path`; None if there is none.

    One that a file in it excludes, such as .nosearch, is listed as empty. Symbolic links are left
    out, except those of git-annex, and none is followed on the way from `top` to `path`. Fields
    that `versions` doesn't have are given as 0. If the directory can't be read, the listing's
    `failure` says why.
    """
    boundaries = Boundaries(rules, MountTable([])) if isinstance(rules, Rules) else rules
    try:
        descriptor = open_directory(path, top)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return _failed(path, error)
    try:
        return _read(descriptor, path, boundaries, versions)
    except OSError as error:
        return _failed(path, error)
    except UnreadableError as error:
        reason = f"cannot be listed: {os.fsdecode(IGNORE_FILE)}: {error}"
        return Listing(path, (), (), b"", reason)
    finally:
        os.close(descriptor)


def _failed(path: bytes, error: OSError) -> Listing:
    return Listing(path, (), (), b"", f"cannot be listed: {in_words(error)}")


def _read(descriptor: int, path: bytes, boundaries: Boundaries, versions: VersionFields) -> Listing:
    """The listing of an open directory. Raises OSError, and UnreadableError for what the user
    wants left out."""
    rules, wanted = boundaries.rules, boundaries.filter(path)
    kept = boundaries.leading_to_asked(path)
    annexed = AnnexedEntries(descriptor, path)
    subdirectories: list[bytes] = []
    entries: dict[bytes, _Entry] = {}
    sidecars: dict[bytes, _Entry] = {}
    names: set[bytes] = set()
    with os.scandir(descriptor) as found:
        for entry in found:
            name = os.fsencode(entry.name)
            names.add(name)
            if entry.is_dir(follow_symlinks=False):
                subdirectories.append(name)
                continue
            is_picture = rules.takes(name)
            if not is_picture and not may_describe_picture(name):
                continue
            file = annexed.resolved(entry)
            if file is not None and wanted.takes(name):
                (entries if is_picture else sidecars)[name] = file
    if wanted.is_marked(descriptor, names):
        digest = _digest([], []) if wanted.is_asked else MARKED
        return Listing(path, (), (), digest, marked=True, kept=kept)
    has_ignore_file = IGNORE_FILE in names
    directories = sorted(name for name in subdirectories if wanted.enters(name, names))
    albums = [entry for name, entry in sidecars.items() if is_picasa(name)]
    heads = {head(name) for name in sidecars if may_be_takeout(name)}
    files = []
    developed = developed_names(entries)
    for name in sorted(entries):
        try:
            info = annexed.stat(entries[name])
            takeout = takeout_names(name) if head(name) in heads else ()
            names_beside = (*sidecar_names(name), *takeout)
            own = [sidecars[s] for s in names_beside if s in sidecars]
            jpegs = [entries[jpeg] for jpeg in developed.get(name, ())]
            stamp = _stamp(name, own, albums, jpegs, versions)
        except FileNotFoundError:
            continue  # it was removed meanwhile
        except OSError as error:
            return Listing(path, (), (), b"", f"cannot be looked into: {in_words(error)}")
        inode = signed(info.st_ino) if versions.inode else 0
        changed = stored_time(info.st_ctime_ns) if versions.ctime else 0
        mtime = stored_time(info.st_mtime_ns)
        files.append(FileStat(name, info.st_size, mtime, changed, inode, stamp))
    digest = _digest(files, directories)
    return Listing(
        path,
        files,
        directories,
        digest,
        contents=annexed.contents,
        has_ignore_file=has_ignore_file,
        kept=kept,
    )


def _stamp(
    picture: bytes,
    sidecars: list[_Entry],
    albums: list[_Entry],
    developed: list[_Entry],
    versions: VersionFields,
) -> int:
    """A digest of names and stats of what a picture must be read again with; 0 without any.

    That is its sidecars, `albums`, which tell of all pictures of the directory by their names, and
    JPEGs in which a raw file may be `developed`.
    """
    seen = picture if albums else b""
    for entry in [*sidecars, *albums]:
        try:
            info = entry.stat(follow_symlinks=False)
        except OSError:
            continue  # it was removed meanwhile
        stat = (
            info.st_size,
            info.st_mtime_ns,
            info.st_ctime_ns if versions.ctime else 0,
            info.st_ino if versions.inode else 0,
        )
        seen += b"%b/%d/%d/%d/%d/" % (os.fsencode(entry.name), *stat)
    for entry in developed:
        try:
            info = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        # Not its ctime, which attributes change.
        seen += b"%b/%d/%d/" % (os.fsencode(entry.name), info.st_size, signed(info.st_mtime_ns))
    return int.from_bytes(hashlib.blake2b(seen, digest_size=7).digest(), "big") if seen else 0


def _digest(files: list[FileStat], directories: list[bytes]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(b"%b/%d/%d/%d/%d/" % file[:5])
        if file.sidecars:
            digest.update(b"%d" % file.sidecars)
    for name in directories:
        digest.update(b"/%b" % name)
    return digest.digest()
