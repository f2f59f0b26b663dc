"""What the service needs of the limits that it was started with (getrlimit(2))."""

from __future__ import annotations

import errno
import resource

from csearchd.errors import LimitError
from csearchd.reasons import Reason
from csearchd.reasons import service as reasons

_FILES = 64  # at rest 40 are open
_ADDRESSES = 1_200_000_000  # at rest 0.8 GB, most of them of libraries and of threads' stacks


def check_limits() -> None:
    """Raises the number of files that may be open as far as it may. Raises LimitError."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < _FILES:
        raise LimitError(
            f"only {most} files may be open at a time (ulimit -n), and the service needs "
            f"{_FILES} or more; 1024 are usual"
        )
    if files != most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    addresses, _ = resource.getrlimit(resource.RLIMIT_AS)
    if addresses != resource.RLIM_INFINITY and addresses < _ADDRESSES:
        raise LimitError(
            f"the memory that may be addressed is limited to {addresses // 1_000_000} MB "
            f"(ulimit -v), and the service needs {_ADDRESSES // 1_000_000} MB and its library; "
            "no such limit is usual"
        )


def shortage(error: Exception) -> Reason | None:
    """What the service has run out of, where `error` is of that kind."""
    if isinstance(error, MemoryError) or "can't start new thread" in str(error):
        return reasons.OUT_OF_MEMORY()
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return reasons.OUT_OF_FILES()
    return None
