"""Operations on the service itself."""

from __future__ import annotations

import dataclasses
import os
import re

import csearch
from csearch.protocol.wire import PROTOCOL, Message
from csearchd.concurrency.lifecycle import Lifecycle
from csearchd.concurrency.workers import Workers
from csearchd.errors import ConfigError, RequestError
from csearchd.indexing.indexer import Indexer
from csearchd.reasons import commands as reasons
from csearchd.requests.exchange import Exchange
from csearchd.requests.service import (
    AnswerRequest,
    HelloRequest,
    PauseRequest,
    ReloadRequest,
    ResumeRequest,
    SettingsRequest,
    StopRequest,
)
from csearchd.serve.configuration import Configuration
from csearchd.serve.operations import Handlers


class ControlHandlers:
    """`hello`, `answer`, `pause`, `resume`, `reload`, `settings`, `stop`."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        configuration: Configuration,
        indexer: Indexer,
        workers: Workers,
    ) -> None:
        self._lifecycle = lifecycle
        self._configuration = configuration
        self._indexer = indexer
        self._workers = workers

    def handlers(self) -> Handlers:
        return {
            HelloRequest: self._hello,
            AnswerRequest: self._answer,
            PauseRequest: self._pause,
            ResumeRequest: self._resume,
            ReloadRequest: self._reload,
            SettingsRequest: self._settings,
            StopRequest: self._stop,
        }

    async def _hello(self, request: HelloRequest, exchange: Exchange) -> Message:
        version = request.version
        is_newer = _number(version) > _number(csearch.__version__)
        if is_newer and _installed() != csearch.__version__:
            self._lifecycle.restart()
            raise RequestError("restarting", reasons.RESTARTING())
        if request.protocol > PROTOCOL:
            newer = reasons.NEWER_CLIENT(
                client=version, service=csearch.__version__, path=csearch.__file__
            )
            raise RequestError("newer-client", newer)
        return {"protocol": PROTOCOL, "version": csearch.__version__, "pid": os.getpid()}

    async def _answer(self, request: AnswerRequest, exchange: Exchange) -> Message:
        if target := exchange.front.find(request.target):
            target.answer_now.set()
        return {}

    async def _pause(self, request: PauseRequest, exchange: Exchange) -> Message:
        await self._workers.wait(self._indexer.pause, True)
        return {}

    async def _resume(self, request: ResumeRequest, exchange: Exchange) -> Message:
        await self._workers.wait(self._indexer.pause, False)
        return {}

    async def _reload(self, request: ReloadRequest, exchange: Exchange) -> Message:
        try:
            await self._workers.wait(self._configuration.reload)
        except ConfigError as error:
            stays = reasons.OLD_CONFIGURATION(details=str(error))
            raise RequestError("bad-request", stays) from error
        return {}

    async def _settings(self, request: SettingsRequest, exchange: Exchange) -> Message:
        configuration = self._configuration
        return {
            "path": os.fsencode(configuration.path),
            "settings": dataclasses.asdict(configuration.current),
        }

    async def _stop(self, request: StopRequest, exchange: Exchange) -> Message:
        self._lifecycle.end()
        return {}


def _installed() -> str:
    """Returns the version in the file that a new process would import."""
    try:
        with open(csearch.__file__, encoding="utf-8") as file:
            found = re.search(r'^__version__ = "([^"]+)"', file.read(), re.MULTILINE)
    except OSError:
        return csearch.__version__
    return found[1] if found else csearch.__version__


def _number(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d{1,9}", version)]
