"""What filters compare: each comparison, and that memory says what the database says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from csearchd.library import contents, listings
from csearchd.library.contents import Outcome
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.library.metadata.details import details
from csearchd.library.metadata.photo_metadata import Mask, PhotoMetadata, aligned
from csearchd.library.metadata.times import UNKNOWN
from csearchd.library.removal.forgetting import forget_path
from csearchd.system.files import seconds_of, stored_time

MTIME = 1_600_000_000
PICTURES: dict[str, dict[str, Any]] = {
    "lisbon.jpg": {
        "format": "JPEG", "width": 4000, "height": 3000,
        "metadata": {
            "taken": "2023-06-15T10:00:00", "make": "NIKON CORPORATION", "model": "NIKON D90",
            "lens": "AF-S 50mm f/1.8", "iso": 800, "latitude": 38.7223, "longitude": -9.1393,
            "rating": 5, "keywords": ["Places/Portugal/Lisbon", "Lisbon", "Red boat"],
            "title": "Boat", "orientation": 1,
        },
    },
    "porto.nef": {
        "format": "RAW", "width": 3000, "height": 4000,
        "metadata": {
            "taken": "1969-07-20T20:17:40", "make": "Canon", "model": "Canon EOS 40D",
            "iso": 100, "latitude": 41.1579, "longitude": -8.6291, "rating": -1,
            "keywords": ["Places/Portugal/Porto", "red BOAT"],
        },
    },
    "fiji.png": {
        "format": "PNG", "width": 500, "height": 500,
        "metadata": {"latitude": -17.0, "longitude": 179.9, "rating": 0},
    },
    "bare.webp": {"format": "WEBP", "width": 40, "height": 30, "metadata": {}},
}  # fmt: skip


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(str(tmp_path / "data" / "library.sqlite"))
    files = [FileStat(name.encode(), 9, MTIME * 10**9, 9, n) for n, name in enumerate(PICTURES)]
    listings.apply(opened, Listing(b"/p", files, (), b"1"))
    read(opened, PICTURES)
    yield opened
    opened.close()


def read(library: Library, pictures: dict[str, dict[str, Any]]) -> None:
    """What the encoder does with due files."""
    with library.read() as database:
        jobs = list(contents.due(database))
    outcomes = []
    for job in jobs:
        stat = dict(zip(("size", "mtime_ns", "ctime_ns", "inode"), job.stat, strict=True))
        found = pictures[job.name.decode()]
        outcomes.append(Outcome(job, {"scheme": 1, "identity": job.name, **stat, **found}))
    contents.store(library, 1, outcomes)


def again(library: Library, name: str, metadata: dict[str, Any]) -> None:
    """A picture whose metadata were edited."""
    with library.write() as database:
        database.execute("UPDATE files SET due = 1 WHERE name = ?", (name.encode(),))
    read(library, {name: {**PICTURES[name], "metadata": metadata}})


def names(library: Library, mask: Mask) -> set[str]:
    with library.read() as database:
        rows = database.execute("SELECT id, name FROM files").fetchall()
    known = {file: name.decode() for file, name in rows}
    return {known[int(file)] for file in np.flatnonzero(mask)}


def masks(library: Library, metadata: PhotoMetadata) -> dict[str, set[str]]:
    """What each comparison finds."""
    found = {
        "summer": metadata.taken_between(seconds("2023-06-01"), seconds("2023-07-01")),
        "end excluded": metadata.taken_between(None, seconds("2023-06-15T10:00:00")),
        "before 1970": metadata.taken_between(None, 0),
        "dated": metadata.has_capture_time,
        "Lisbon": metadata.near(38.7, -9.1, 10),
        "Portugal": metadata.near(40, -9, 300),
        "across the date line": metadata.near(-17, -179.9, 30),
        "located": metadata.has_location(),
        "nikon": metadata.camera("nikon"),
        "words": metadata.camera("canon 40d"),
        "lens": metadata.lens("50MM"),
        "iso": metadata.iso(">", 100),
        "low iso": metadata.iso("<=", 100),
        "rated": metadata.rating(">=", 4),
        "unrated": metadata.rating("<", 1),
        "rejected": metadata.rating("=", -1),
        "large": metadata.megapixels(">=", 12),
        "small": metadata.megapixels("<", 0.01),
        "raw": metadata.format("raw"),
        "jpeg": metadata.format("jpg"),
        "portrait": metadata.orientation("portrait"),
        "landscape": metadata.orientation("landscape"),
        "square": metadata.orientation("square"),
    }
    tags = ("red boat", "PORTO", "places/portugal", "Portugal/Lisbon", "boat", "*boat", "?ed*", "[")
    for text in tags:
        found[f"tag {text}"] = library.keywords.mask(text)
    return {name: names(library, mask) for name, mask in found.items()}


def seconds(text: str) -> float:
    return float(np.datetime64(text, "s").astype(np.int64))


FOUND = {
    "summer": {"lisbon.jpg"},
    "end excluded": {"porto.nef", "fiji.png", "bare.webp"},
    "before 1970": {"porto.nef"},
    "dated": {"lisbon.jpg", "porto.nef"},
    "Lisbon": {"lisbon.jpg"},
    "Portugal": {"lisbon.jpg", "porto.nef"},
    "across the date line": {"fiji.png"},
    "located": {"lisbon.jpg", "porto.nef", "fiji.png"},
    "nikon": {"lisbon.jpg"},
    "words": {"porto.nef"},
    "lens": {"lisbon.jpg"},
    "iso": {"lisbon.jpg"},
    "low iso": {"porto.nef"},
    "rated": {"lisbon.jpg"},
    "unrated": {"porto.nef", "fiji.png"},
    "rejected": {"porto.nef"},
    "large": {"lisbon.jpg", "porto.nef"},
    "small": {"bare.webp"},
    "raw": {"porto.nef"},
    "jpeg": {"lisbon.jpg"},
    "portrait": {"porto.nef"},
    "landscape": {"lisbon.jpg", "bare.webp"},
    "square": {"fiji.png"},
    "tag red boat": {"lisbon.jpg", "porto.nef"},
    "tag PORTO": {"porto.nef"},
    "tag places/portugal": {"lisbon.jpg", "porto.nef"},
    "tag Portugal/Lisbon": {"lisbon.jpg"},
    "tag boat": set(),
    "tag *boat": {"lisbon.jpg", "porto.nef"},
    "tag ?ed*": {"lisbon.jpg", "porto.nef"},
    "tag [": set(),
}


def test_what_each_comparison_finds(library: Library) -> None:
    """The same by what was put while it ran, and by what another process reads."""
    assert masks(library, library.photo_metadata) == FOUND
    other = Library(library.path)
    assert masks(other, other.load_photo_metadata()) == FOUND
    other.close()


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine is nine hours ahead of UTC."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_a_file_without_a_date_counts_by_its_modification(library: Library) -> None:
    for metadata in (library.photo_metadata, library.load_photo_metadata()):
        undated = ~metadata.has_capture_time & (metadata.timestamp != UNKNOWN)
        assert names(library, undated) == {"fiji.png", "bare.webp"}
        assert set(metadata.timestamp[undated]) == {(MTIME + 9 * 3600) * 1000}
        around = metadata.taken_between(MTIME + 9 * 3600, MTIME + 9 * 3600 + 1)
        assert names(library, around) == {"fiji.png", "bare.webp"}


DATES: dict[str, dict[str, Any]] = {
    "year": {"taken": "1923"},
    "month": {"taken": "1923-05"},
    "day": {"taken": "1923-05-14"},
    "late": {"taken": "1923-05-14T10:11:12", "taken_ms": 500},
    "early": {"taken": "1923-05-14T10:11:12", "taken_ms": 499},
    "epoch": {"taken": "1970-01-01T00:00:00", "date_doubtful": 1},
    "old": {"taken": "1825-12-31T23:59:59"},
    "first": {"taken": "1826"},
    "future": {"taken": "9999-12-31T23:59:59"},
}


def test_dates_that_are_known_in_part(library: Library) -> None:
    files = [FileStat(name.encode(), 9, 0, 9, n) for n, name in enumerate(DATES, 50)]
    listings.apply(library, Listing(b"/q", files, (), b"2"))
    read(library, {name: {"metadata": metadata} for name, metadata in DATES.items()})
    for metadata in (library.photo_metadata, read_anew(library)):

        def between(begin: str, end: str, known: PhotoMetadata = metadata) -> set[str]:
            return names(library, known.taken_between(seconds(begin), seconds(end)))

        assert between("1923-01-01", "1924-01-01") == {"year", "month", "day", "late", "early"}
        assert between("1923-05-01", "1923-06-01") == {"month", "day", "late", "early"}
        assert between("1923-05-14", "1923-05-15") == {"day", "late", "early"}
        assert between("1923-05-14T10:11:12", "1923-05-14T10:11:13") == {"late", "early"}
        assert between("1970-01-01", "1970-01-02") == {"epoch"}
        times = metadata.timestamp[metadata.taken_between(-2e9, -1e9)]
        assert sorted(times)[-1] - sorted(times)[-2] == 1
        assert names(library, metadata.doubtful()) == {"epoch", "old", "future"}
        assert metadata.capture_dates("Y", "1") == ["1970", "1969", "1923", "1826", "1825"]
        assert metadata.capture_dates("M", "1923") == ["1923-05"]
        assert metadata.capture_dates("D", "1923") == ["1923-05-14"]
        assert metadata.capture_dates("D", "1826") == []


def read_anew(library: Library) -> PhotoMetadata:
    metadata = PhotoMetadata()
    with library.read() as database:
        metadata.load(database, library.memory_lock)
    return metadata


FILE_TIMES = {0: "1970", 15_000_000_000: "2445", -2_000_000_000: "1906", -8_000_000_000: "1716"}


def test_times_of_files_far_away(library: Library) -> None:
    """Nanoseconds of 64 bits reach from 1677 to 2262, file systems farther."""
    stored = {each: stored_time(each * 10**9 + 7) for each in FILE_TIMES}
    files = [FileStat(str(n).encode(), 9, time, 9, n) for n, time in enumerate(stored.values(), 70)]
    listings.apply(library, Listing(b"/r", files, (), b"3"))
    read(library, {str(n): {} for n, _ in enumerate(stored, 70)})
    for metadata in (library.photo_metadata, read_anew(library)):
        assert set(FILE_TIMES.values()) <= set(metadata.capture_dates("Y"))
        doubtful = names(library, metadata.doubtful())
        assert doubtful == {"70", "71", "73"}
        assert "70" in names(library, metadata.taken_between(-86400, 86400))
    for then, kept in stored.items():
        assert -(1 << 63) <= kept < 1 << 63 and seconds_of(kept) == then


def test_edits_and_removals_are_followed(library: Library) -> None:
    metadata = library.load_photo_metadata()
    assert names(library, library.keywords.mask("red boat")) == {"lisbon.jpg", "porto.nef"}
    again(library, "lisbon.jpg", {"rating": 2, "keywords": ["cat", "Lisbon"]})
    assert names(library, metadata.rating(">=", 0)) == {"lisbon.jpg", "fiji.png"}
    assert not metadata.lens("50mm").any()
    assert names(library, library.keywords.mask("red boat")) == {"porto.nef"}
    assert names(library, library.keywords.mask("Lisbon")) == {"lisbon.jpg"}
    assert names(library, library.keywords.mask("cat")) == {"lisbon.jpg"}
    listings.remove(library, b"/p/porto.nef")
    assert not library.keywords.mask("red boat").any()
    assert not metadata.camera("canon").any() and not metadata.taken_between(None, 0).any()


def test_what_a_failed_transaction_did_is_forgotten(library: Library) -> None:
    library.load_photo_metadata()
    with pytest.raises(ZeroDivisionError), library.write():
        again(library, "lisbon.jpg", {"keywords": ["cat"]})
        listings.remove(library, b"/p/porto.nef")
        raise ZeroDivisionError
    assert masks(library, library.load_photo_metadata()) == FOUND


def test_what_is_put_while_the_rest_is_read_stays(library: Library) -> None:
    """Metadata that was put before is newer than those that a reader sees."""
    fresh = PhotoMetadata()
    (file,) = np.flatnonzero(library.photo_metadata.camera("nikon"))
    fresh.put(int(file), 0, {"metadata": {"make": "Leica"}})
    with library.read() as database:
        (gone,) = database.execute(
            "SELECT id FROM files WHERE name = CAST('porto.nef' AS BLOB)"
        ).fetchone()
        fresh.remove([gone])
        fresh.load(database, library.memory_lock)
    assert names(library, fresh.camera("leica")) == {"lisbon.jpg"}
    assert not fresh.camera("nikon").any() and not fresh.camera("canon").any()
    assert names(library, fresh.format("png")) == {"fiji.png"}


def test_details(library: Library) -> None:
    with library.read() as database:
        ids = {row[1]: row[0] for row in database.execute("SELECT id, name FROM files")}
        found = details(database, ids.values())
    assert found[ids[b"lisbon.jpg"]] == {
        "size": 9, "mtime_ns": MTIME * 10**9, "format": "JPEG", "width": 4000, "height": 3000,
        "incomplete": False,
        **PICTURES["lisbon.jpg"]["metadata"],
        "keywords": ["Lisbon", "Places/Portugal/Lisbon", "Red boat"],
    }  # fmt: skip
    assert "keywords" not in found[ids[b"bare.webp"]]


def test_forgotten_keywords_leave_no_trace(library: Library) -> None:
    library.load_vectors(library.model_row("f" * 64, "model", 4), 4)
    forget_path(library, b"/p/lisbon.jpg")
    with library.read() as database:
        texts = {row[0] for row in database.execute("SELECT text FROM keywords")}
    assert texts == {"Places/Portugal/Porto", "red BOAT"}
    assert not library.keywords.mask("lisbon").any()


def test_masks_of_one_length() -> None:
    mask = np.array([True, False, True])
    assert aligned(mask, 2).tolist() == [True, False]
    assert aligned(mask, 5).tolist() == [True, False, True, False, False]


def test_a_raw_file_for_which_a_jpeg_stands_is_not_completed(library: Library) -> None:
    memory = library.load_photo_metadata()
    files = [FileStat(b"porto.nef", 9, MTIME * 10**9, 9, 1, sidecars=5)]
    listings.apply(library, Listing(b"/p", files, (), b"2"))
    with library.read() as database:
        jobs = list(contents.due(database))
    contents.store(library, 1, [Outcome(job, paired=True) for job in jobs])
    loaded = PhotoMetadata()
    with library.read() as database:
        loaded.load(database, library.memory_lock)
    for known in (memory, loaded):
        assert known.capture_dates("Y") == []
        assert known.cameras("Canon") == []
    assert library.keywords.beginning("places", 9) == []
