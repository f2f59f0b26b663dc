"""Which roots are watched completely, and why others aren't."""

from __future__ import annotations

import errno
import logging
from collections.abc import Collection

from csearchd.library.roots import is_below
from csearchd.reasons import Reason, from_system
from csearchd.reasons import service as reasons
from csearchd.watch.inotify import Inotify
from csearchd.watch.watches import Watches, watch_limit

log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.ENOMEM, errno.EDQUOT)  # there are, or should be, no more watches
_MANY = 524288  # watches; what is recommended


class Coverage:
    """The scanning thread changes it; any thread may ask."""

    def __init__(self) -> None:
        self.last_error: Reason | None = None  # why not everything is watched
        self._partly: frozenset[bytes] = frozenset()  # roots of which a part isn't watched
        self._failing: set[bytes] = set()  # those where watching has failed since their scan began

    def open(self) -> Inotify | None:
        """A queue of the kernel's events; None if there are too many already."""
        try:
            return Inotify()
        except OSError as error:
            self.last_error = reasons.NOT_WATCHED(
                reason=from_system(error, advised=False),
                command="sudo sysctl fs.inotify.max_user_instances=1024",
            )
            log.error("%s", self.last_error)
            return None

    def is_partial(self, root: bytes) -> bool:
        """Whether a part of a root isn't watched, so that it must be scanned."""
        return root in self._partly

    def lose(self, path: bytes, error: OSError, watches: Watches, roots: Collection[bytes]) -> None:
        """Records that the directory at `path` can't be watched, if that is since there are too
        many."""
        if error.errno not in _FULL:
            return
        paths = [path] + (watches.leave_room() if error.errno == errno.ENOSPC else [])
        inside = {root for root in roots if any(is_below(each, root) for each in paths)}
        self._partly |= inside
        self._failing |= inside
        if self.last_error is None:
            limit = watch_limit()
            self.last_error = reasons.FEW_WATCHES(
                count=watches.count,
                reserve=limit - watches.used,
                limit=limit,
                command=f"sudo sysctl fs.inotify.max_user_watches={max(_MANY, 4 * limit)}",
            )
            log.error("%s (%s)", self.last_error, error.strerror)

    def begin_scan(self, path: bytes) -> None:
        """Must be called when a scan of `path` starts."""
        self._failing.discard(path)

    def end_scan(self, path: bytes) -> None:
        """Must be called when a scan of `path` is finished."""
        if path in self._partly and path not in self._failing:
            self._keep(self._partly - {path})

    def set_roots(self, roots: Collection[bytes]) -> None:
        """Forgets all roots but these."""
        self._keep(self._partly.intersection(roots))

    def _keep(self, roots: frozenset[bytes]) -> None:
        if self._partly and not roots:
            self.last_error = None
        self._partly = roots
