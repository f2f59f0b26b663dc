"""The operations `models` and `use`."""

from __future__ import annotations

from csearch.protocol.wire import Message
from csearchd.concurrency.workers import Workers
from csearchd.indexing.indexer import Indexer
from csearchd.models.active_model import Models
from csearchd.requests.exchange import Exchange
from csearchd.requests.service import ModelsRequest, UseRequest
from csearchd.serve.handlers.status import StatusReport
from csearchd.serve.operations import Handlers


class ModelHandlers:
    def __init__(
        self, models: Models, indexer: Indexer, report: StatusReport, workers: Workers
    ) -> None:
        self._models = models
        self._indexer = indexer
        self._report = report
        self._workers = workers

    def handlers(self) -> Handlers:
        return {ModelsRequest: self._list, UseRequest: self._use}

    async def _list(self, request: ModelsRequest, exchange: Exchange) -> Message:
        described = await self._workers.answer(self._report.status)
        next_model = described["next_model"]
        return {
            "current": described["model"],
            "next": next_model["name"] if next_model else None,
            "done": next_model["done"] if next_model else 0,
            "total": next_model["total"] if next_model else 0,
        }

    async def _use(self, request: UseRequest, exchange: Exchange) -> Message:
        model = await self._workers.wait(self._models.use, request.model)
        await self._workers.wait(self._indexer.recount)
        self._indexer.retry()
        return {"model": model.name, "total": self._indexer.backlog.missing_next_vectors}
