"""What users are told of an error that nobody has foreseen: where the log is that tells more."""

from __future__ import annotations

import os
import shlex

from csearchd.reasons import Reason
from csearchd.reasons.service import UNEXPECTED

_STDERR = "/proc/self/fd/2"
_JOURNAL = "journalctl --user -u csearchd.service"


def unexpected() -> Reason:
    """An error that nobody has foreseen."""
    return UNEXPECTED(log=log_place())


def log_place() -> str:
    """The path of the log, or a command that shows it.

    It is where stderr goes: the journal under systemd (systemd.exec(5)), else a file; a terminal's
    user sees it.
    """
    if os.environ.get("JOURNAL_STREAM"):
        return _JOURNAL
    try:
        if os.path.isfile(_STDERR):
            return shlex.quote(os.readlink(_STDERR))
    except OSError:
        pass  # it is closed, or there is no /proc
    return "the output of csearchd"
