"""A session of the encoder with one model: turns its answers into outcomes to commit."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from csearch.protocol.wire import Message
from csearchd.encoder.pool import Event, Pool
from csearchd.library import contents
from csearchd.library.contents import Job, Outcome
from csearchd.library.signatures import stored
from csearchd.models.installed import Model

_Key = tuple[int, bytes]  # a content's scheme and identity


@dataclass
class _Encoding:
    """A content that is being encoded: its job, and jobs of files with the same content.

    `sign`: it has its vector already, and only its signature is made.
    """

    job: Job
    sign: bool = False
    copies: list[tuple[Job, Message]] = field(default_factory=list)


class EncodingSession:
    """A model, the pool of its encoder, and the state of its jobs. Only the indexing thread uses
    it."""

    def __init__(self, model: Model, row: int, pool: Pool) -> None:
        self.model = model
        self.row = row  # the model's id
        self.pool = pool
        self.outcomes: list[Outcome] = []  # that aren't committed yet
        self._uncommitted: set[_Key] = set()  # their contents
        self._encoding: dict[_Key, _Encoding] = {}

    def restarted(self, pool: Pool) -> EncodingSession:
        """A new session with another pool, which keeps only the outcomes of this one."""
        fresh = EncodingSession(self.model, self.row, pool)
        fresh.outcomes, fresh._uncommitted = self.outcomes, self._uncommitted
        return fresh

    def clear_outcomes(self) -> None:
        """Must be called when the outcomes are committed."""
        self.outcomes.clear()
        self._uncommitted.clear()

    def give_up(self, job: Job) -> list[Job]:
        """Ends a job without an outcome. Returns jobs with the same content that have waited for
        it."""
        self.pool.answer(job, "skip")
        copies: list[Job] = []
        for key, encoding in list(self._encoding.items()):
            if encoding.job is job:
                copies += [copy for copy, _ in self._encoding.pop(key).copies]
        return copies

    def handle(self, reader: sqlite3.Connection, event: Event, signing: bool = False) -> list[Job]:
        """Handles an answer of the encoder: tells it whether to encode, or adds an outcome.

        `signing`: the file is read for its content's signature alone. If that fails, the content
        keeps its vector, and is found. If the file can't be read, which may be for now, the
        signature is still wanted.

        Returns jobs with the same content that have no outcome, since the file that they have
        waited for has changed. Raises LibraryError.
        """
        job, found = event.job, event.found
        key = (found["scheme"], found["identity"]) if found and "identity" in found else None
        if event.op == "identified" and key and found:
            self._identified(reader, job, key, found)
            return []
        if event.op == "paired":
            self._finish(None, Outcome(job, paired=True))
            return []
        encoding = self._encoding.pop(key, None) if key else None
        copies = encoding.copies if encoding else []
        if event.changed:
            return [copy for copy, _ in copies]
        failure = str(event.reason) if event.reason else None
        if failure and encoding and encoding.sign:
            failure = None
            self._finish(key, Outcome(job, found, unsignable=True))
        elif failure and signing:
            self._finish(None, Outcome(job, unread=True))
        else:
            self._finish(key, Outcome(job, found, event.vector, failure, event.unreached))
        for copy, copy_found in copies:
            self._finish(key, Outcome(copy, copy_found, None, failure))
        return []

    def _identified(self, reader: sqlite3.Connection, job: Job, key: _Key, found: Message) -> None:
        """Lets the encoder encode a content, unless it is known or being encoded."""
        known = key in self._uncommitted or contents.is_known(reader, *key, self.row)
        sign = known and key not in self._uncommitted and stored.is_wanted(reader, *key)
        if known and not sign:
            self.pool.answer(job, "skip")
            self._finish(key, Outcome(job, found))
        elif key in self._encoding and self._encoding[key].job is not job:
            self.pool.answer(job, "skip")
            self._encoding[key].copies.append((job, found))
        else:  # a job is identified again if the encoder has died meanwhile
            self._encoding.setdefault(key, _Encoding(job, sign))
            self.pool.answer(job, "sign" if sign else "encode")

    def _finish(self, key: _Key | None, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        if key:
            self._uncommitted.add(key)
