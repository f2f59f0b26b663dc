"""What the system's errors mean for a user, and what to do about them."""

from __future__ import annotations

import errno

_SENTENCES = {
    errno.EACCES: "you may not; look at its owner and mode, and at those of its directory (ls -ld)",
    errno.EPERM: "the system doesn't allow it; look at its owner and mode (ls -ld)",
    errno.ENOENT: "there is no such file or directory; look for a typing error",
    errno.ENOTDIR: "a part of the path is no directory; look for a typing error",
    errno.EISDIR: "it is a directory; name a file",
    errno.EEXIST: "something is there already; move it away, or choose another name",
    errno.ENOSPC: "the disk is full; free some space on it",
    errno.EDQUOT: "your quota of disk space is used up; delete something on that disk",
    errno.EROFS: "the disk is mounted read-only; mount it anew, or choose another place",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ELOOP: "its symbolic links lead in a circle; correct them",
    errno.EIO: "the disk has failed to read or write; look at its health (smartctl, dmesg)",
    errno.ENXIO: "the device is not there; connect it, or choose another place",
    errno.ENOMEM: "memory has run out; end other programs",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine; end other programs",
    errno.EAGAIN: "there are too many processes; end some, or raise the limit (ulimit -u)",
    errno.ENOEXEC: "it is no program for this machine; install it again",
    errno.ETXTBSY: "the program is being written; try again",
    errno.ESTALE: "its file server has forgotten it; mount it anew",
    errno.ETIMEDOUT: "its file server doesn't answer; try again when it does",
    errno.EHOSTDOWN: "its file server is down; try again when it is up",
    errno.ENOTCONN: "its file system has ended; mount it anew",
    errno.ECONNREFUSED: "nothing listens there; csearchctl start starts the service",
}


def in_words(error: OSError) -> str:
    """What is wrong, and what to do, as the end of a sentence that names the file."""
    known = _SENTENCES.get(error.errno or 0)
    return known or f"{error.strerror or error} (an error of the system)"
