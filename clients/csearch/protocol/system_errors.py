"""What to do about the system's errors."""

from __future__ import annotations

import errno

_OWNER = "look at its owner and mode, and at those of its directory (ls -ld)"
_TYPING = "look for a typing error"
_ADVICE = {
    errno.EACCES: _OWNER,
    errno.EPERM: _OWNER,
    errno.ENOENT: _TYPING,
    errno.ENOTDIR: _TYPING,
    errno.EISDIR: "name a file",
    errno.EEXIST: "move away what is there, or choose another name",
    errno.ENOSPC: "free some space on that disk",
    errno.EDQUOT: "delete something on that disk",
    errno.EROFS: "mount the disk for writing, or choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "its symbolic links lead in a circle: correct them",
    errno.EIO: "look at the disk's health (smartctl, dmesg)",
    errno.ENXIO: "connect the device, or choose another place",
    errno.ENOMEM: "end other programs",
    errno.EMFILE: "raise the limit (ulimit -n)",
    errno.ENFILE: "end other programs",
    errno.EAGAIN: "end some processes, or raise the limit (ulimit -u)",
    errno.ENOEXEC: "install it again",
    errno.ESTALE: "mount its file server again",
    errno.ETIMEDOUT: "try again when its file server answers",
    errno.EHOSTDOWN: "try again when its file server is up",
    errno.ENOTCONN: "mount it again",
}


def in_words(error: OSError) -> str:
    """What the system says, and what to do: the end of a sentence that names the file."""
    said = error.strerror or str(error)
    advice = _ADVICE.get(error.errno or 0)
    return f"{said}; {advice}" if advice else said
