"""Checks the resource limits that the service was started with (getrlimit(2))."""

from __future__ import annotations

import errno
import resource

from csearchd.errors import LimitError
from csearchd.reasons import Reason
from csearchd.reasons import service as reasons

_MIN_FILES = 64  # an idle service has opened 40
_SHARE = 4  # of the open files
_MIN_ADDRESSES = 1_200_000_000  # an idle service uses 0.8 GB, mostly for libraries and stacks


def check_limits() -> None:
    """Raises the limit of open files to its maximum. Raises LimitError if a limit is too low."""
    files, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
    if maximum != resource.RLIM_INFINITY and maximum < _MIN_FILES:
        raise LimitError(
            f"only {maximum} files may be open at a time (ulimit -n), and the service needs "
            f"{_MIN_FILES} or more; 1024 are usual"
        )
    if files != maximum:
        resource.setrlimit(resource.RLIMIT_NOFILE, (maximum, maximum))
    addresses, _ = resource.getrlimit(resource.RLIMIT_AS)
    if addresses != resource.RLIM_INFINITY and addresses < _MIN_ADDRESSES:
        raise LimitError(
            f"the memory that may be addressed is limited to {addresses // 1_000_000} MB "
            f"(ulimit -v), and the service needs {_MIN_ADDRESSES // 1_000_000} MB and its library; "
            "no such limit is usual"
        )


def files_for_one_client() -> int:
    """How many open files one client may hand over, so that enough are left for others."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_MIN_FILES // _SHARE, files // _SHARE)


def shortage(error: Exception) -> Reason | None:
    """A message that says which resource has run out, if `error` means that; else None."""
    if isinstance(error, MemoryError) or "can't start new thread" in str(error):
        return reasons.OUT_OF_MEMORY()
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return reasons.OUT_OF_FILES()
    return None
