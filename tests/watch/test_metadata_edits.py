"""Metadata that real programs write: known a moment later, with nothing encoded again."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image

from csearchd.library.metadata.details import details
from support.photos import photo, write_drawn
from support.user import User, wait_for

pillow_heif.register_heif_opener()

exiftool = pytest.mark.skipif(
    not shutil.which("exiftool"), reason="needs exiftool (Debian: libimage-exiftool-perl)"
)
exiv2 = pytest.mark.skipif(not shutil.which("exiv2"), reason="needs exiv2 (Debian: exiv2)")

WRITTEN = (
    "-XMP-dc:Subject=Beach", "-XMP-dc:Subject=Übergröße", "-XMP-digiKam:TagsList=Places/Lisbon",
    "-XMP-lr:HierarchicalSubject=Animals|Dog", "-XMP-dc:Title=A title", "-XMP-dc:Description=Text",
    "-XMP:Rating=4", "-XMP-exif:DateTimeOriginal=2019:05:06 07:08:09+02:00",
    "-XMP-exif:GPSLatitude=38.7223", "-XMP-exif:GPSLongitude=-9.1393",
)  # fmt: skip
READ = {
    "keywords": ["Animals/Dog", "Beach", "Dog", "Lisbon", "Places/Lisbon", "Übergröße"],
    "title": "A title", "description": "Text", "rating": 4,
    "taken": "2019-05-06T07:08:09", "utc_offset": 120,
    "latitude": 38.7223, "longitude": -9.1393,
}  # fmt: skip
IPTC = (
    "-IPTC:Keywords=Beach", "-IPTC:Keywords=Übergröße", "-IPTC:ObjectName=A title",
    "-IPTC:Caption-Abstract=Text", "-IPTC:DateCreated=2019:05:06",
    "-IPTC:TimeCreated=07:08:09+02:00", "-charset", "iptc=utf8",
)  # fmt: skip
SIDECAR = """<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:darktable="http://darktable.sf.net/"
 xmp:Rating="{rating}" darktable:auto_presets_applied="1">
 <darktable:history><rdf:Seq><rdf:li darktable:num="0" darktable:operation="flip"/></rdf:Seq>
 </darktable:history>
 <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
 <lr:hierarchicalSubject><rdf:Seq><rdf:li>people|{person}</rdf:li></rdf:Seq>
 </lr:hierarchicalSubject></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"""


def run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


def stored(user: User, name: str) -> dict[str, Any]:
    """What the library has of the picture of that name."""
    with closing(sqlite3.connect(user.data / "library.sqlite")) as database:
        ids = database.execute("SELECT id FROM files WHERE name = ?", (name.encode(),)).fetchall()
        return details(database, ids[0])[ids[0][0]] if ids else {}


def wait_until_known(user: User, name: str, expected: dict[str, Any]) -> None:
    def found() -> bool:
        had = stored(user, name)
        return all(had.get(key) == value for key, value in expected.items())

    try:
        wait_for(found, f"{name} with {expected}", 30)
    except AssertionError as error:
        raise AssertionError(f"{error}; the library has {stored(user, name)}") from None


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user whose pictures are watched."""
    with User(tmp_path_factory.mktemp("m")) as someone:
        someone.start()
        someone.csearchctl("add", someone.pictures)
        yield someone


@pytest.fixture
def nothing_encoded(watched: User) -> Iterator[None]:
    """The one picture that the test adds and then edits is encoded once."""
    before = watched.settle()["encoded"]
    yield
    after = watched.settle()
    assert after["encoded"] == before + 1 and not after["failed"]


def add(user: User, name: str, picture: str = "cat", size: tuple[int, int] = (60, 40)) -> Path:
    """A picture that is unlike those of other tests, known to the service."""
    path = user.pictures / name
    shade = Image.new("RGB", size, (sum(name.encode()) % 256, len(name), 99))
    Image.blend(photo(picture).resize(size), shade, 0.3).save(path)
    wait_for(lambda: user.settle() and stored(user, name).get("width"), f"{name} is read")
    return path


@exiftool
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
@pytest.mark.usefixtures("nothing_encoded")
def test_exiftool_writes_xmp(watched: User, suffix: str) -> None:
    path = add(watched, f"xmp.{suffix}")
    run("exiftool", "-overwrite_original", *WRITTEN, path)
    wait_until_known(watched, path.name, READ)
    run("exiftool", "-overwrite_original", "-XMP:all=", path)
    wait_until_known(watched, path.name, dict.fromkeys(READ))


@exiftool
@pytest.mark.parametrize("suffix", ["heic", "avif", "gif", "jp2"])
def test_exiftool_writes_xmp_where_the_whole_file_is_the_identity(
    watched: User, suffix: str
) -> None:
    path = add(watched, f"whole.{suffix}")
    run("exiftool", "-overwrite_original", *WRITTEN, path)
    wait_until_known(watched, path.name, READ)


@exiftool
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
@pytest.mark.usefixtures("nothing_encoded")
def test_exiftool_writes_iptc(watched: User, suffix: str) -> None:
    path = add(watched, f"iptc.{suffix}")
    run("exiftool", "-overwrite_original", *IPTC, path)
    expected = {key: READ[key] for key in ("title", "description", "taken", "utc_offset")}
    wait_until_known(watched, path.name, {**expected, "keywords": ["Beach", "Übergröße"]})


@exiv2
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.usefixtures("nothing_encoded")
def test_exiv2_writes(watched: User, suffix: str) -> None:
    path = add(watched, f"exiv2.{suffix}")
    edits = (
        "set Xmp.dc.subject XmpBag Beach", "set Xmp.digiKam.TagsList XmpSeq Places/Lisbon",
        "set Xmp.xmp.Rating XmpText 4", "set Xmp.dc.title LangAlt lang=x-default A title",
        "set Iptc.Application2.Keywords String Iptc",
        "set Exif.Photo.DateTimeOriginal Ascii 2018:01:02 03:04:05",
        "set Xmp.exif.DateTimeOriginal XmpText 2019-05-06T07:08:09",
    )  # fmt: skip
    if suffix == "webp":
        edits = tuple(edit for edit in edits if "Iptc" not in edit)
    run("exiv2", *(f"-M{edit}" for edit in edits), path)
    keywords = ["Beach", "Iptc", "Lisbon", "Places/Lisbon"]
    if suffix == "webp":
        keywords.remove("Iptc")
    expected = {"rating": 4, "title": "A title", "taken": "2018-01-02T03:04:05"}
    wait_until_known(watched, path.name, {**expected, "keywords": keywords})


@exiftool
@pytest.mark.parametrize("form", ["{}.jpg.xmp", "{}.xmp", "{}.jpg.XMP"])
@pytest.mark.usefixtures("nothing_encoded")
def test_exiftool_writes_a_sidecar(watched: User, form: str) -> None:
    path = add(watched, f"sidecar-{len(form)}{form[-1]}.jpg")
    sidecar = path.with_name(form.format(path.stem))
    run("exiftool", "-o", path.with_name("new.xmp"), *WRITTEN)
    path.with_name("new.xmp").rename(sidecar)
    wait_until_known(watched, path.name, READ)
    sidecar.unlink()
    wait_until_known(watched, path.name, dict.fromkeys(READ))


@exiftool
@pytest.mark.usefixtures("nothing_encoded")
def test_the_sidecar_wins_and_keywords_add_up(watched: User) -> None:
    path = add(watched, "both.jpg")
    run("exiftool", "-overwrite_original", *WRITTEN, "-EXIF:DateTimeOriginal=2011:01:01 10:00:00",
        path)  # fmt: skip
    wait_until_known(watched, path.name, {"title": "A title", "taken": "2011-01-01T10:00:00"})
    beside, less = path.with_name("both.jpg.xmp"), path.with_name("both.xmp")
    less.write_text(SIDECAR.format(rating=1, title="Less", person="Bob"))
    beside.write_text(SIDECAR.format(rating=2, title="Mine", person="Ann"))
    expected = {"title": "Mine", "rating": 2, "description": "Text"}
    expected["keywords"] = sorted([*READ["keywords"], "people/Ann", "Ann"])
    wait_until_known(watched, path.name, {**expected, "taken": "2011-01-01T10:00:00"})
    beside.write_text(SIDECAR.format(rating=0, title="Mine", person="Ann"))
    wait_until_known(watched, path.name, {"rating": 4})  # 0 says nothing


@pytest.mark.usefixtures("nothing_encoded")
def test_dolphin_s_attributes(watched: User) -> None:
    path = add(watched, "attributes.jpg")
    try:
        os.setxattr(path, "user.xdg.tags", b"Beach,Places/Lisbon,,beach")
    except OSError:
        pytest.skip("needs a file system with extended attributes for its temporary directory")
    os.setxattr(path, "user.baloo.rating", b"8")
    os.setxattr(path, "user.xdg.comment", "Übergröße".encode())
    expected = {"keywords": ["Beach", "Lisbon", "Places/Lisbon"], "rating": 4}
    wait_until_known(watched, path.name, {**expected, "description": "Übergröße"})
    os.removexattr(path, "user.xdg.tags")
    wait_until_known(watched, path.name, {"keywords": None, "rating": 4})


@pytest.mark.parametrize("kind", ["fifo", "link", "directory", "rubbish", "huge"])
@pytest.mark.usefixtures("nothing_encoded")
def test_a_sidecar_that_is_none_says_nothing(watched: User, kind: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "secret.xmp"
    elsewhere.write_text(SIDECAR.format(rating=1, title="secret", person="Bob"))
    sidecar = watched.pictures / f"odd-{kind}.jpg.xmp"
    if kind == "fifo":
        os.mkfifo(sidecar)
    elif kind == "link":
        sidecar.symlink_to(elsewhere)
    elif kind == "directory":
        sidecar.mkdir()
    elif kind == "rubbish":
        sidecar.write_bytes(os.urandom(4096))
    else:
        sidecar.write_text(SIDECAR.format(rating=1, title="huge", person="x" * (9 << 20)))
    path = add(watched, f"odd-{kind}.jpg")
    assert not {"title", "rating", "keywords"} & stored(watched, path.name).keys()


def test_meanwhile_they_are_found_and_not_counted_as_new(user: User) -> None:
    paths = write_drawn(user.pictures, 3)
    user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    user.csearchctl("pause")
    for path in paths:
        path.chmod(0o600)
    user.csearchctl("rescan", user.pictures)
    again = {"images": 3, "pending": 3, "again": 3}
    wait_for(lambda: told(user) == again, "three to be read again")
    write_drawn(user.pictures, 1, first=9)
    user.csearchctl("rescan", user.pictures)
    wait_for(lambda: told(user) == {**again, "pending": 4}, "one more, a new one")


def told(user: User) -> dict[str, int]:
    """What a search says of the pictures beside its results."""
    with user.connect() as client:
        scopes = [os.fsencode(user.pictures)]
        reply = client.ask(op="search", query="anything", top=9, scopes=scopes)
    return {name: reply[name] for name in ("images", "pending", "again")}
