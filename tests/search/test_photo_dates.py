"""When pictures were taken, end to end: by metadata, sidecars and names, as searches tell it."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from support.photos import drawn
from support.user import User, wait_for

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" {}/>'
    "</rdf:RDF></x:xmpmeta>"
)
FILE_TIME = 1_500_000_000  # 2017-07-14
TAKEN, SUBSEC, OFFSET = 36867, 37521, 36881


class Album:
    """Pictures that differ, each with a date of its kind."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._count = 0

    def add(self, name: str, tags: dict[int, Any] | None = None, sidecar: str = "") -> Path:
        """A picture with EXIF tags, and with attributes of an XMP sidecar."""
        self._count += 1
        path = self.directory / name
        exif = Image.Exif()
        exif.get_ifd(ExifTags.IFD.Exif).update(tags or {})
        stream = io.BytesIO()
        Image.open(io.BytesIO(drawn(self._count))).save(stream, "JPEG", exif=exif)
        path.write_bytes(stream.getvalue())
        os.utime(path, (FILE_TIME, FILE_TIME))
        if sidecar:
            path.with_name(f"{name}.xmp").write_text(XMP.format(sidecar))
        return path


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("d")) as someone:
        someone.environment["TZ"] = "UTC0"
        album = Album(someone.pictures)
        album.add("digitised.jpg", {TAKEN: "2023:05:14 10:11:12"}, 'xmp:CreateDate="2020-01-02"')
        album.add("twice.jpg", {TAKEN: "2023:06:10 23:06:00"},
                  'exif:DateTimeOriginal="2023-06-11T03:06:00Z"')  # fmt: skip
        album.add("epoch.jpg", {TAKEN: "1970:01:01 00:00:00"})
        album.add("year.jpg", None, 'exif:DateTimeOriginal="1923"')
        album.add("month.jpg", None, 'exif:DateTimeOriginal="1950-03"')
        album.add("invented.jpg", {TAKEN: "2002:12:08 12:00:00"})
        album.add("future.jpg", {TAKEN: "2177:01:01 10:00:00"})
        album.add("burst2.jpg", {TAKEN: "2021:01:02 03:04:05", SUBSEC: "2"})
        album.add("burst1.jpg", {TAKEN: "2021:01:02 03:04:05", SUBSEC: "15"})
        album.add("IMG_20220203_040506.jpg", {TAKEN: "2000:01:01 00:00:00"})
        album.add("IMG-20220301-WA0001.jpg")
        album.add("Invoice_20220514_000123.jpg")
        os.utime(album.add("zero.jpg"), (0, 0))
        far = album.add("far.jpg")
        os.utime(far, (15_000_000_000, 15_000_000_000))
        if far.stat().st_mtime != 15_000_000_000:
            far.unlink()  # this file system doesn't have such times
        someone.search("x", "--in", someone.pictures)
        yield someone


def found(user: User, *arguments: object) -> list[str]:
    return [path.stem for path in user.search("--in", user.pictures, *arguments, check=None)]


def told(user: User, name: str) -> dict[str, Any]:
    (row,) = user.csearch("--in", user.pictures, "--json", f"name:{name}").stdout.splitlines()
    known: dict[str, Any] = json.loads(row)
    return known


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("on:2023-05-14", ["digitised"]),
        ("on:2023-06-10", ["twice"]),
        ("on:2023-06-11", []),
        ("on:1970-01-01", ["epoch", "zero"]),
        ("on:1923", ["year"]),
        ("on:1923-05", []),
        ("on:1923-01", []),
        ("on:1923-01-01", []),
        ("date:1920..1925", ["year"]),
        ("date:1923-05..1925", []),
        ("before:1924 after:1900", ["year"]),
        ("before:1923-12 after:1900", []),
        ("before:1923-06 after:1923-06", []),
        ("not:before:1923-06 not:after:1923-06", ["year"]),
        ("before:1923-06 after:1900", []),
        ("after:1923-06 before:1924", []),
        ("on:1950-03", ["month"]),
        ("on:1950", ["month"]),
        ("on:1950-03-01", []),
        ("on:2002-12-08", ["invented"]),
        ("on:2022-02-03", ["IMG_20220203_040506"]),
        ("on:2022-03-01", ["IMG-20220301-WA0001"]),
        ("on:2017-07-14", ["Invoice_20220514_000123"]),
        ("on:2021-01-02", ["burst2", "burst1"]),
        ("on:2177", ["future"]),
    ],
)
def test_dates_that_are_found(owner: User, query: str, names: list[str]) -> None:
    assert sorted(found(owner, query)) == sorted(names)


LATEST_FIRST = [
    "twice", "digitised", "IMG-20220301-WA0001", "IMG_20220203_040506", "burst2", "burst1",
    "Invoice_20220514_000123", "month", "year",
]  # fmt: skip


def test_doubtful_dates_come_last(owner: User) -> None:
    names = found(owner, "type:jpeg", "-t", 99)
    assert names[: len(LATEST_FIRST)] == LATEST_FIRST
    doubtful = set(names[len(LATEST_FIRST) :])
    assert doubtful - {"far"} == {"epoch", "invented", "future", "zero"}
    names = found(owner, "type:jpeg", "-t", 99, "--sort", "date", "--reverse")
    assert names[: len(LATEST_FIRST)] == LATEST_FIRST[::-1]
    assert set(names[len(LATEST_FIRST) :]) == doubtful


@pytest.mark.parametrize(
    ("name", "date", "source", "doubtful"),
    [
        ("digitised.jpg", "2023-05-14T10:11:12", "exif", False),
        ("twice.jpg", "2023-06-10T23:06:00", "sidecar", False),
        ("epoch.jpg", "1970-01-01T00:00:00", "exif", True),
        ("year.jpg", "1923", "sidecar", False),
        ("month.jpg", "1950-03", "sidecar", False),
        ("invented.jpg", "2002-12-08T12:00:00", "exif", True),
        ("future.jpg", "2177-01-01T10:00:00", "exif", True),
        ("IMG_20220203_040506.jpg", "2022-02-03T04:05:06", "name", False),
        ("IMG-20220301-WA0001.jpg", "2022-03-01", "name", False),
        ("Invoice_20220514_000123.jpg", "2017-07-14T02:40:00", "file", False),
        ("zero.jpg", "1970-01-01T00:00:00", "file", True),
        ("far.jpg", "2445-05-01T02:40:00", "file", True),
    ],
)
def test_what_is_told_of_dates(
    owner: User, name: str, date: str, source: str, doubtful: bool
) -> None:
    if not (owner.pictures / name).exists():
        pytest.skip("this file system has no times after 2262")
    row = told(owner, name)
    assert (row["date"], row["date_source"], row["date_doubtful"]) == (date, source, doubtful)
    assert row["dated"] is (source != "file")
    template = "{date} {date_source} {date_doubtful}"
    (line,) = (
        owner.csearch("--in", owner.pictures, "--format", template, f"name:{name}")
        .stdout.decode()
        .splitlines()
    )
    assert line.split()[:2] == [date, source]


def test_a_name_that_gets_or_loses_a_date(user: User) -> None:
    user.environment["TZ"] = "UTC0"
    album = Album(user.pictures)
    path, other = album.add("a.jpg"), album.add("20210203_040506.jpg")
    user.start()
    user.csearchctl("add", user.pictures)
    encoded = user.settle()["encoded"]
    assert found(user, "on:2021-02-03") == ["20210203_040506"]
    path.rename(user.pictures / "20220203_040506.jpg")
    other.rename(user.pictures / "b.jpg")
    wait_for(lambda: found(user, "on:2022-02-03") == ["20220203_040506"], "the date in the name")
    wait_for(lambda: found(user, "on:2017-07-14") == ["b"], "the time of the file")
    assert found(user, "on:2021-02-03") == []
    assert user.settle()["encoded"] == encoded


def test_takeouts_file_is_read_and_watched(user: User) -> None:
    user.environment["TZ"] = "UTC0"
    album = Album(user.pictures)
    for name in ("A very long name that Takeout cuts off at the end.jpg", "b(1).jpg",
                 "c-edited.jpg", "sea.jpg"):  # fmt: skip
        album.add(name)
    user.start()
    user.csearchctl("add", user.pictures)
    encoded = user.settle()["encoded"]
    said = {
        "photoTakenTime": {"timestamp": "1684059072"}, "description": "Boats", "favorited": True,
        "geoData": {"latitude": 38.7223, "longitude": -9.1393, "altitude": 0.0},
        "people": [{"name": "Anna"}],
    }  # fmt: skip
    for name in ("A very long name that Takeout cuts off at the .json", "b.jpg(1).json",
                 "c.jpg.supplemental-metadata.json", "sea.jpg.supplemental-me.json"):  # fmt: skip
        (user.pictures / name).write_text(json.dumps(said))
    wait_for(lambda: len(found(user, "on:2023-05-14 near:Lisbon rating:5")) == 4, "what it says")
    row = told(user, "sea.jpg")
    assert (row["date"], row["date_source"]) == ("2023-05-14T10:11:12", "takeout")
    assert (row["description"], row["favourite"], row["rating"]) == ("Boats", True, 5)
    said["photoTakenTime"] = {"timestamp": "1600000000"}
    (user.pictures / "sea.jpg.supplemental-me.json").write_text(json.dumps(said))
    wait_for(lambda: found(user, "on:2020-09-13") == ["sea"], "the date that was changed")
    (user.pictures / "sea.jpg.supplemental-me.json").unlink()
    wait_for(lambda: found(user, "on:2017-07-14") == ["sea"], "the time of the file")
    assert user.settle()["encoded"] == encoded
