"""Requests about the service itself, and about its models."""

from __future__ import annotations

from typing import ClassVar

from csearchd.validation import Flag, Name, Request


class HelloRequest(Request, frozen=True, kw_only=True):
    """`hello`: the first request of a connection.

    Fields: protocol (int): csearch.protocol.wire.PROTOCOL; version (str): the client's.

    Result: {protocol, version, pid}. A daemon older than its client answers with the error
    `restarting`, closes, and comes back as the version that is installed; if that is no newer, the
    error is `newer-client`.
    """

    op: ClassVar[str] = "hello"

    protocol: int
    version: Name = ""


class AnswerRequest(Request, frozen=True, kw_only=True):
    """`answer`: ends the wait of an earlier search on the same connection, which is then answered
    with what there is.

    Fields: target (int): the id of that search. Result: {}.
    """

    op: ClassVar[str] = "answer"

    target: int | None = None


class StatusRequest(Request, frozen=True, kw_only=True):
    """`status`: what the service knows and does.

    Fields: verify (bool): looks for damaged files in the cache first.

    Result: the fields of `csearchctl status --json`, which
    csearchd.serve.handlers.status.StatusReport.status lists.
    """

    op: ClassVar[str] = "status"

    verify: Flag = None


class PauseRequest(Request, frozen=True, kw_only=True):
    """`pause`: stops reading pictures until `resume`. Result: {}."""

    op: ClassVar[str] = "pause"


class ResumeRequest(Request, frozen=True, kw_only=True):
    """`resume`: reads pictures again. Result: {}."""

    op: ClassVar[str] = "resume"


class ReloadRequest(Request, frozen=True, kw_only=True):
    """`reload`: reads the configuration again. Result: {}."""

    op: ClassVar[str] = "reload"


class SettingsRequest(Request, frozen=True, kw_only=True):
    """`settings`: the configuration in effect.

    Result: {path (bin): of its file, which may not exist; settings: {section: {key: value}}, as in
    the file, with all keys}.
    """

    op: ClassVar[str] = "settings"


class StopRequest(Request, frozen=True, kw_only=True):
    """`stop`: the service answers, then ends. Result: {}."""

    op: ClassVar[str] = "stop"


class ModelsRequest(Request, frozen=True, kw_only=True):
    """`models`: which models are in use.

    Result: {current: str, next: str or nil, done: int, total: int}: the model that answers, and the
    one that will, once `done` pictures of `total` have a vector of it.
    """

    op: ClassVar[str] = "models"


class UseRequest(Request, frozen=True, kw_only=True):
    """`use`: switches the model. The old one serves until the new one's vectors are complete.

    Fields: model (str). Result: {model, total}: its name; pictures that have no vector of it yet.
    """

    op: ClassVar[str] = "use"

    model: Name
