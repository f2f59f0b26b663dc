"""A directory as it is on the disk."""

from __future__ import annotations

import hashlib
import os

from csearchd.formats.suffixes import is_sidecar, sidecar_names
from csearchd.library.listings import FileStat, Listing
from csearchd.system.files import open_directory, signed
from csearchd.watch.rules import Rules, is_marked, without_shadowed

KERNELS = (b"proc", b"sys", b"dev", b"run")  # in "/": no files of the user's


def read_listing(
    path: bytes, rules: Rules, lasting: bool = True, top: bytes = b"/"
) -> Listing | None:
    """The listing of one directory, None if it isn't there.

    One that asks not to be searched is listed as empty. Symbolic links are left out, and none is
    followed on the way from `top` to `path`. `lasting`: whether inode numbers there are always the
    same; else they are 0.
    """
    try:
        descriptor = open_directory(path, top)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return _unlisted(path, error)
    try:
        return _listed(descriptor, path, rules, lasting)
    except OSError as error:
        return _unlisted(path, error)
    finally:
        os.close(descriptor)


def _unlisted(path: bytes, error: OSError) -> Listing:
    return Listing(path, (), (), b"", f"cannot be listed: {error.strerror}")


def _listed(descriptor: int, path: bytes, rules: Rules, lasting: bool) -> Listing:
    """Raises OSError."""
    directories: list[bytes] = []
    entries: dict[bytes, os.DirEntry[str]] = {}
    sidecars: dict[bytes, os.DirEntry[str]] = {}
    names: set[bytes] = set()
    with os.scandir(descriptor) as found:
        for entry in found:
            name = os.fsencode(entry.name)
            names.add(name)
            if entry.is_dir(follow_symlinks=False):
                if rules.enters(name) and not (path == b"/" and name in KERNELS):
                    directories.append(name)
            elif rules.takes(name) and entry.is_file(follow_symlinks=False):
                entries[name] = entry
            elif is_sidecar(name) and entry.is_file(follow_symlinks=False):
                sidecars[name] = entry
    if is_marked(descriptor, names):
        return Listing(path, (), (), _digest((), ()), marked=True)
    files = []
    for name in sorted(without_shadowed(list(entries))):
        try:
            info = entries[name].stat(follow_symlinks=False)
            beside = [sidecars[s] for s in sidecar_names(name) if s in sidecars]
            stamp = _stamp(beside, lasting)
        except FileNotFoundError:
            continue  # it went between the two calls
        except OSError as error:
            return Listing(path, (), (), b"", f"cannot be looked into: {error.strerror}")
        inode = signed(info.st_ino) if lasting else 0
        times = signed(info.st_mtime_ns), signed(info.st_ctime_ns)
        files.append(FileStat(name, info.st_size, *times, inode, stamp))
    directories.sort()
    return Listing(path, files, directories, _digest(files, directories))


def _stamp(sidecars: list[os.DirEntry[str]], lasting: bool) -> int:
    """A number that stands for the sidecars of a picture as they are now; 0 without any."""
    seen = b""
    for entry in sidecars:
        try:
            info = entry.stat(follow_symlinks=False)
        except OSError:
            continue  # it has just gone; the picture has not
        stat = (info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino if lasting else 0)
        seen += b"%b/%d/%d/%d/%d/" % (os.fsencode(entry.name), *stat)
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
