"""A symbolic link takes a directory's place: nothing behind it is listed, read or remembered."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

import csearchd.models
from csearchd.encoder.messages import Limits, Settings
from csearchd.encoder.pool import Event, Pool
from csearchd.library.contents import Job
from csearchd.watch.directory_listing import ALL_FIELDS, read_listing
from csearchd.watch.rules import Rules
from support.kernel import exchange
from support.photos import drawn, write_drawn
from support.user import User, wait_for

RULES = Rules(False, ())
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
    b'"http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc='
    b'"http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>%s</rdf:li></rdf:Bag>'
    b"</dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a picture, and one of the same names outside."""
    for place in ("root/a/b", "outside/b"):
        directory = tmp_path / place
        directory.mkdir(parents=True)
        (directory / "x.jpg").write_bytes(drawn(len(place)))
        (directory / "x.jpg.xmp").write_bytes(XMP % place.encode())
    return tmp_path


def swap(folder: Path) -> None:
    (folder / "root" / "a").rename(folder / "gone")
    (folder / "root" / "a").symlink_to(folder / "outside")


def test_a_listing_follows_no_link(folder: Path) -> None:
    top, inner = bytes(folder / "root"), bytes(folder / "root" / "a" / "b")
    for above in (top, b"/"):
        listing = read_listing(inner, RULES, ALL_FIELDS, above)
        assert listing and [file.name for file in listing.files] == [b"x.jpg"]
    swap(folder)
    for above in (top, b"/"):
        assert read_listing(inner, RULES, ALL_FIELDS, above) is None
        assert read_listing(os.path.dirname(inner), RULES, ALL_FIELDS, above) is None


def test_a_root_may_be_reached_through_links(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "root")
    inner = bytes(folder / "link" / "a" / "b")
    listing = read_listing(inner, RULES, ALL_FIELDS, bytes(folder / "link"))
    assert listing and listing.path == inner and listing.files
    assert read_listing(inner, RULES) is None


@pytest.fixture
def pool() -> Pool:
    starter = Path(csearchd.models.__file__).parent / "starter"
    return Pool(Settings(str(starter), Limits(10**8, 10**8, 10**9), 1, "cpu"), max_seconds=60.0)


def ask(pool: Pool, path: Path, stat: os.stat_result) -> Event:
    never = os.eventfd(0)
    known = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    job = Job(1, 1, os.fsencode(path.name), known, sidecars=1)
    pool.submit(job, os.fsencode(path))
    try:
        while not (events := pool.poll(None, never)):
            pass
        pool.answer(job, "skip")
        return events[0]
    finally:
        os.close(never)


def test_the_encoder_reads_no_other_file_than_the_one_that_was_listed(
    folder: Path, pool: Pool
) -> None:
    path = folder / "root" / "a" / "b" / "x.jpg"
    stat = path.stat()
    try:
        event = ask(pool, path, stat)
        assert event.found and event.found["metadata"]["keywords"] == ["root/a/b"]
        swap(folder)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        event = ask(pool, path, stat)
        assert (event.op, event.changed, event.found) == ("failed", True, None)
    finally:
        pool.close()


def test_nothing_from_outside_gets_into_the_library(user: User) -> None:
    """Links and directories take each other's place all the time, while all is looked at."""
    outside, link, inside = user.home / "outside", user.pictures / "a", user.home / "a"
    write_drawn(inside, 4)
    write_drawn(outside, 4, first=100)
    user.start()
    user.csearchctl("add", user.pictures)
    link.symlink_to(outside)
    over = threading.Event()

    def turn() -> None:
        while not over.wait(0.001):
            exchange(link, inside)

    turning = threading.Thread(target=turn)
    turning.start()
    try:
        for _ in range(8):
            user.csearchctl("rescan", user.pictures)
    finally:
        over.set()
        turning.join()
    if link.is_symlink():
        exchange(link, inside)
    user.csearchctl("rescan", user.pictures)
    wait_for(lambda: user.settle()["images"] == 4, "the four pictures that are there")
    status = user.status()
    assert (status["encoded"], status["failed"]) == (4, 0)
    assert "Traceback" not in user.log()
