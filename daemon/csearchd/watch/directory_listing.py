"""Reads the listing of a directory from the disk."""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

from csearchd.formats.suffixes import developed_names, is_sidecar, sidecar_names
from csearchd.library.listings import FileStat, Listing
from csearchd.metadata.picasa import is_picasa
from csearchd.metadata.takeout.names import head, may_be_takeout, takeout_names
from csearchd.system.files import open_directory, signed, stored_time
from csearchd.watch.rules import Rules, is_marked

SYSTEM_DIRECTORIES = (b"proc", b"sys", b"dev", b"run")  # in "/": never entered


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
    path: bytes, rules: Rules, versions: VersionFields = ALL_FIELDS, top: bytes = b"/"
) -> Listing | None:
    """The listing of the directory at `path`; None if there is none.

    One with .nosearch or CACHEDIR.TAG is listed as empty. Symbolic links are left out, and none is
    followed on the way from `top` to `path`. Fields that `versions` doesn't have are given as 0. If
    the directory can't be read, the listing's `failure` says why.
    """
    try:
        descriptor = open_directory(path, top)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return _failed(path, error)
    try:
        return _read(descriptor, path, rules, versions)
    except OSError as error:
        return _failed(path, error)
    finally:
        os.close(descriptor)


def _failed(path: bytes, error: OSError) -> Listing:
    return Listing(path, (), (), b"", f"cannot be listed: {error.strerror}")


def _read(descriptor: int, path: bytes, rules: Rules, versions: VersionFields) -> Listing:
    """The listing of an open directory. Raises OSError."""
    directories: list[bytes] = []
    entries: dict[bytes, os.DirEntry[str]] = {}
    sidecars: dict[bytes, os.DirEntry[str]] = {}
    names: set[bytes] = set()
    with os.scandir(descriptor) as found:
        for entry in found:
            name = os.fsencode(entry.name)
            names.add(name)
            if entry.is_dir(follow_symlinks=False):
                if rules.enters(name) and not (path == b"/" and name in SYSTEM_DIRECTORIES):
                    directories.append(name)
            elif rules.takes(name) and entry.is_file(follow_symlinks=False):
                entries[name] = entry
            elif may_describe_picture(name) and entry.is_file(follow_symlinks=False):
                sidecars[name] = entry
    if is_marked(descriptor, names):
        return Listing(path, (), (), _digest((), ()), marked=True)
    albums = [entry for name, entry in sidecars.items() if is_picasa(name)]
    heads = {head(name) for name in sidecars if may_be_takeout(name)}
    files = []
    developed = developed_names(entries)
    for name in sorted(entries):
        try:
            info = entries[name].stat(follow_symlinks=False)
            takeout = takeout_names(name) if head(name) in heads else ()
            names_beside = (*sidecar_names(name), *takeout)
            own = [sidecars[s] for s in names_beside if s in sidecars]
            jpegs = [entries[jpeg] for jpeg in developed.get(name, ())]
            stamp = _stamp(name, own, albums, jpegs, versions)
        except FileNotFoundError:
            continue  # it was removed meanwhile
        except OSError as error:
            return Listing(path, (), (), b"", f"cannot be looked into: {error.strerror}")
        inode = signed(info.st_ino) if versions.inode else 0
        changed = stored_time(info.st_ctime_ns) if versions.ctime else 0
        mtime = stored_time(info.st_mtime_ns)
        files.append(FileStat(name, info.st_size, mtime, changed, inode, stamp))
    directories.sort()
    return Listing(path, files, directories, _digest(files, directories))


def _stamp(
    picture: bytes,
    sidecars: list[os.DirEntry[str]],
    albums: list[os.DirEntry[str]],
    developed: list[os.DirEntry[str]],
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


def _digest(files: list[FileStat] | tuple[()], directories: list[bytes] | tuple[()]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(b"%b/%d/%d/%d/%d/" % file[:5])
        if file.sidecars:
            digest.update(b"%d" % file.sidecars)
    for name in directories:
        digest.update(b"/%b" % name)
    return digest.digest()
