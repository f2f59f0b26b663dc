"""The operations `suggest` and `choices`."""

from __future__ import annotations

from csearch.protocol.wire import Message
from csearchd.concurrency.workers import Workers
from csearchd.errors import RequestError
from csearchd.requests.completion import ChoicesRequest, SuggestRequest
from csearchd.requests.exchange import Exchange
from csearchd.serve.operations import Handlers
from csearchd.serve.suggestions.choices import Choices
from csearchd.serve.suggestions.suggesting import Suggesting


class SuggestionHandlers:
    def __init__(self, suggesting: Suggesting, choices: Choices, workers: Workers) -> None:
        self._suggesting = suggesting
        self._choices = choices
        self._workers = workers

    def handlers(self) -> Handlers:
        return {SuggestRequest: self._suggest, ChoicesRequest: self._choose}

    async def _suggest(self, request: SuggestRequest, exchange: Exchange) -> Message:
        query, position = request.query, min(request.position, len(request.query))
        found = await self._workers.wait(self._suggesting.suggestions, query, position)
        return {"suggestions": found}

    async def _choose(self, request: ChoicesRequest, exchange: Exchange) -> Message:
        found = await self._workers.wait(self._choices.of, request.what, request.prefix)
        if found is None:
            raise RequestError("bad-request", "what must be months or a filter with values")
        return {"choices": found}
