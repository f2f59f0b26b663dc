"""The encoder at work on one model: what it says about files becomes outcomes to commit."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from csearch.protocol.wire import Message
from csearchd.encoder.pool import Event, Pool
from csearchd.library import contents
from csearchd.library.contents import Job, Outcome
from csearchd.models.installed import Model

_Key = tuple[int, bytes]  # scheme and identity of a content


@dataclass
class _Encoding:
    """A content in the encoder: the job that brought it, and copies that turned up meanwhile."""

    job: Job
    copies: list[tuple[Job, Message]] = field(default_factory=list)


class EncodingSession:
    """A model, the pool that makes its vectors, and the state of its jobs."""

    def __init__(self, model: Model, row: int, pool: Pool) -> None:
        self.model = model
        self.row = row
        self.pool = pool
        self.outcomes: list[Outcome] = []  # not committed yet
        self._fresh: set[_Key] = set()  # the contents of those
        self._encoding: dict[_Key, _Encoding] = {}

    def begin_again(self, pool: Pool) -> EncodingSession:
        """What takes this one's place when its encoder is given up: nothing but its outcomes."""
        fresh = EncodingSession(self.model, self.row, pool)
        fresh.outcomes, fresh._fresh = self.outcomes, self._fresh
        return fresh

    def forget_outcomes(self) -> None:
        """The library has them."""
        self.outcomes.clear()
        self._fresh.clear()

    def give_up(self, job: Job) -> list[Job]:
        """Ends a job that has no outcome. Returns copies that waited for it."""
        self.pool.answer(job, encode=False)
        copies: list[Job] = []
        for key, encoding in list(self._encoding.items()):
            if encoding.job is job:
                copies += [copy for copy, _ in self._encoding.pop(key).copies]
        return copies

    def handle(self, reader: sqlite3.Connection, event: Event) -> list[Job]:
        """Answers the encoder, and keeps what came of a job.

        Returns copies that have no outcome, since the file they waited for has changed.
        """
        job, found = event.job, event.found
        key = (found["scheme"], found["identity"]) if found and "identity" in found else None
        if event.op == "identified" and key and found:
            self._identified(reader, job, key, found)
            return []
        encoding = self._encoding.pop(key, None) if key else None
        copies = encoding.copies if encoding else []
        if event.changed:
            return [copy for copy, _ in copies]
        failure = str(event.reason) if event.reason else None
        self._finish(key, Outcome(job, found, event.vector, failure))
        for copy, copy_found in copies:
            self._finish(key, Outcome(copy, copy_found, None, failure))
        return []

    def _identified(self, reader: sqlite3.Connection, job: Job, key: _Key, found: Message) -> None:
        """Each content is encoded once."""
        if key in self._fresh or contents.is_known(reader, *key, self.row):
            self.pool.answer(job, encode=False)
            self._finish(key, Outcome(job, found))
        elif key in self._encoding and self._encoding[key].job is not job:
            self.pool.answer(job, encode=False)
            self._encoding[key].copies.append((job, found))
        else:  # a job comes again if the encoder has died meanwhile
            self._encoding.setdefault(key, _Encoding(job))
            self.pool.answer(job, encode=True)

    def _finish(self, key: _Key | None, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        if key:
            self._fresh.add(key)
