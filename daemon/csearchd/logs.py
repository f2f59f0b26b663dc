"""The format of the log, with escapes for what could control a terminal."""

from __future__ import annotations

import logging
import sys

from csearch.protocol.quoting import harmless


class _Formatter(logging.Formatter):
    """Escapes control characters, since file names that others have chosen are in the log."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return harmless(super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        return harmless(super().formatException(ei), kept="\n\t")  # type: ignore[arg-type]


def log_to_stderr(level: str, form: str) -> None:
    """Logs messages of at least `level` to stderr, in the format `form`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(form, "%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
