"""Errors that nobody thought of, in reading: a picture that leads to one costs no other."""

from __future__ import annotations

from support.faults import start_with
from support.photos import write_drawn
from support.user import SECONDS, User, wait_for

FAULTS = """
from csearchd.encoder.pool import Pool
from csearchd.library import contents
from csearchd.indexing.encoding_session import EncodingSession
store, handle = contents._store_file, EncodingSession.handle
submit, hear = Pool.submit, Pool._handle

def faulty_store(library, database, outcome, content):
    if outcome.job.name == b"drawn-00001.jpg":
        raise OverflowError("injected")
    if outcome.job.name == b"drawn-00002.jpg":
        database.execute("INSERT INTO roots VALUES (-1, 0)")  # it has no such directory
    store(library, database, outcome, content)

def faulty_handle(self, reader, event, signing):
    if (event.job.name, event.op) == (b"drawn-00003.jpg", "identified"):
        raise KeyError("injected")
    if (event.job.name, event.op) == (b"drawn-00004.jpg", "encoded"):
        raise KeyError("injected")
    return handle(self, reader, event, signing)

def faulty_submit(self, job, path, file=None):
    if job.name == b"drawn-00005.jpg":
        raise ValueError("injected")
    submit(self, job, path, file)

def faulty_hear(self, message):
    flight = self._flights.get(message.get("job"))
    if flight and flight.job.name == b"drawn-00006.jpg" and message["op"] == "identified":
        raise KeyError("injected")
    return hear(self, message)

contents._store_file, EncodingSession.handle = faulty_store, faulty_handle
Pool.submit, Pool._handle = faulty_submit, faulty_hear
"""


def test_a_picture_that_leads_to_an_error_costs_itself(user: User) -> None:
    write_drawn(user.pictures, 10)
    start_with(user, FAULTS)
    assert len(user.search("anything", "--in", user.pictures, "-t", 100)) == 4
    status = user.settle()
    assert (status["pending"], status["failed"], status["encoded"]) == (0, 6, 4)
    failed = user.csearchctl("failed").stdout.decode()
    for number in range(1, 7):
        assert f"drawn-0000{number}.jpg" in failed
    assert failed.count("an error in the search service; ") == 6
    assert "Traceback" in user.log() and status["tasks"]
    # They are tried again when the fault has gone.
    user.csearchctl("stop")
    user.start()
    user.csearchctl("failed", "--retry")
    wait_for(lambda: user.settle()["failed"] == 0, "the other pictures")
    assert user.status()["encoded"] == 10


def test_metadata_that_cannot_be_stored_cost_the_metadata(user: User) -> None:
    write_drawn(user.pictures, 3)
    start_with(
        user,
        """
from csearchd.encoder import pool
before = pool.Pool._handle

def handle(self, message):
    if message["op"] == "identified":
        message["metadata"]["iso"] = 1 << 70
    return before(self, message)

pool.Pool._handle = handle
""",
    )
    assert len(user.search("anything", "--in", user.pictures)) == 3
    assert user.status()["failed"] == 0


def test_an_error_loses_nothing_that_was_encoded(user: User) -> None:
    """In the middle, once: what was ready is kept, and stored later."""
    write_drawn(user.pictures, 5)
    start_with(
        user,
        """
from csearchd.indexing import indexer
indexer._MIN_RETRY_SECONDS = 0.1
before = indexer.Indexer._commit
raised = []

def commit(self, work):
    if not raised and work.outcomes:
        raised.append(1)
        raise RuntimeError("injected")
    before(self, work)

indexer.Indexer._commit = commit
handle = indexer.EncodingSession.handle

def counted(self, reader, event, signing):
    if event.op == "encoded":
        with open(FAULT + "-encoded", "a") as file:
            file.write(f"{event.job.file}\\n")
    return handle(self, reader, event, signing)

indexer.EncodingSession.handle = counted
""",
    )
    user.csearchctl("add", user.pictures)
    wait_for(lambda: user.status()["images"] == 5, "all pictures", 2 * SECONDS)
    assert "injected" in user.log()
    encoded = (user.home / "fault-encoded").read_text().split()
    assert len(encoded) == len(set(encoded)) == 5, "some were encoded twice"
