"""What goes wrong in a client, in words for people, and the exit statuses of both commands."""

from __future__ import annotations

from collections.abc import Mapping

NOTHING_FOUND = 1  # `csearch` without a result
CHECK_FAILED = 1  # `csearchctl doctor`
NOT_RUNNING = 1  # `csearchctl status`, while the service is stopped
FAILURE = 2
INTERRUPTED = 130  # what a shell reports of a command that Ctrl-C ended


class ClientError(Exception):
    """The command cannot be done; the text says what happened and what to do."""

    exit_code = FAILURE


class NotRunning(ClientError):
    """No daemon listens, and the command is one that starts none."""


class NotAnswering(ClientError):
    """A daemon listens and says nothing: it is stopped, or has run out of something."""


class StartError(ClientError):
    """The daemon could not be started."""


class ServiceError(ClientError):
    """The daemon's `error` reply, or the end of the connection (code "closed")."""

    def __init__(self, code: str, message: str, fields: Mapping[str, object] = {}) -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields  # the whole reply
