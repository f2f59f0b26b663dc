"""What each carrier writes, what it never changes, and what an undo restores."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from csearchd.metadata.xmp_packet import HIERARCHICAL, SUBJECT, TAGS_LIST, parse
from support.raw import dng
from tags.bench import Bench
from tags.pictures import KINDS, exiftool, fields, foreign, make, need, need_exiftool, pixels

WORDS = ["animal/dog", "sky", "scene/café"]
CARRIERS = ("xattr", "sidecar", "embedded")
XDG = "user.xdg.tags"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    try:
        os.setxattr(tmp_path, "user.try", b"")
    except OSError:
        pytest.skip("no extended attributes in the directory for temporary files")
    one = Bench(tmp_path / "library")
    yield one
    one.close()


def sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".xmp")


@pytest.mark.parametrize("kind", KINDS)
def test_embedded_words_and_nothing_else(bench: Bench, tmp_path: Path, kind: str) -> None:
    need_exiftool()
    path = make(tmp_path, kind)
    if "webp" not in kind:  # Debian's exiftool can't write it
        exiftool("-q", "-overwrite_original", "-XMP-dc:Title=A title", "-XMP-dc:Subject=own", path)
    before, whole, picture = foreign(path), path.read_bytes(), pixels(path)
    assert bench.write("embedded", WORDS, path) == ["written"], bench.reasons
    assert foreign(path) == before
    assert pixels(path) == picture
    found = fields(path)
    own = [] if "webp" in kind else ["own"]
    assert found["XMP-dc:Subject"] == [*own, "dog", "sky", "café"]
    assert found["XMP-digiKam:TagsList"] == [f"csearch/{word}" for word in WORDS]
    assert found["XMP-lr:HierarchicalSubject"] == [
        f"csearch|{word}".replace("/", "|") for word in WORDS
    ]
    assert bench.write("embedded", WORDS, path) == ["unchanged"]
    assert bench.words("embedded", path) == WORDS
    assert bench.undo("embedded", path) == ["written"]
    assert path.read_bytes() == whole
    assert bench.entry("embedded", path) is None


@pytest.mark.parametrize("kind", KINDS)
def test_undo_after_another_edit_takes_our_words_only(
    bench: Bench, tmp_path: Path, kind: str
) -> None:
    need_exiftool()
    path = make(tmp_path, kind)
    bench.write("embedded", WORDS, path)
    if "webp" in kind:  # Debian's exiftool can't write it
        need("exiv2", "exiv2")
        edits = "-Mset Xmp.dc.subject mine", "-Mset Xmp.xmp.Rating 3"
        subprocess.run(["exiv2", *edits, path], check=True)
    else:
        exiftool("-q", "-overwrite_original", "-XMP-dc:Subject+=mine", "-XMP-xmp:Rating=3", path)
    assert bench.undo("embedded", path) == ["written"], bench.reasons
    found = fields(path)
    assert found["XMP-dc:Subject"] == "mine"
    assert found["XMP-xmp:Rating"] == 3
    assert "XMP-digiKam:TagsList" not in found
    assert b"csearch" not in path.read_bytes()


def test_iptc_keywords_are_written_where_there_are_some(bench: Bench, tmp_path: Path) -> None:
    need_exiftool()
    one, other = make(tmp_path, "jpg", 1), make(tmp_path, "jpg", 2)
    edits = ["-IPTC:Keywords=beach", "-IPTC:City=Rome", "-Photoshop:IPTCDigest=new"]
    exiftool("-q", "-overwrite_original", *edits, one)
    exiftool("-q", "-overwrite_original", "-IPTC:City=Rome", other)
    whole = one.read_bytes()
    bench.write("embedded", ["animal/dog", "beach"], one, other)
    assert fields(one)["IPTC:Keywords"] == ["beach", "dog"]
    assert fields(one)["XMP-dc:Subject"] == "dog"  # beach is there in IPTC
    assert fields(one)["IPTC:City"] == "Rome"
    assert "IPTC:Keywords" not in fields(other)
    digests = exiftool("-s3", "-Photoshop:IPTCDigest", "-File:CurrentIPTCDigest", one).split()
    assert len(digests) == 2 and digests[0] == digests[1]
    exiftool("-q", "-overwrite_original", "-XMP-xmp:Rating=3", one)
    bench.undo("embedded", one)
    assert fields(one)["IPTC:Keywords"] == "beach"
    one.write_bytes(whole)


def test_a_picture_with_several_pictures_in_it(bench: Bench, tmp_path: Path) -> None:
    """An MPO's index says how large the first is, and where the second begins."""
    need_exiftool()
    from PIL import Image

    with Image.open(make(tmp_path, "jpg", 1)) as one, Image.open(make(tmp_path, "jpg", 2)) as two:
        one.save(tmp_path / "both.mpo", format="MPO", save_all=True, append_images=[two])
    path = (tmp_path / "both.mpo").rename(tmp_path / "both.jpg")
    second = exiftool("-b", "-MPImage2", path)
    whole = path.read_bytes()
    assert bench.write("embedded", WORDS, path) == ["written"], bench.reasons
    with Image.open(path) as image:
        image.seek(1)
        image.load()
    assert exiftool("-b", "-MPImage2", path) == second
    bench.undo("embedded", path)
    assert path.read_bytes() == whole


def test_extended_attributes_are_merged(bench: Bench, tmp_path: Path) -> None:
    path = make(tmp_path, "jpg")
    content = path.read_bytes()
    for before in (None, b"", b"own", b"own, two", b"\xff,own", b"a,,b"):
        if before is not None:
            os.setxattr(path, XDG, before)
        bench.write("xattr", ["animal/dog", "own", "sky"], path)
        tags = os.getxattr(path, XDG)
        assert tags.startswith(before or b"") and {b"dog", b"sky", b"own"} <= {
            tag.strip() for tag in tags.split(b",")
        }
        claimed = before is None or b"own" not in before
        assert bench.words("xattr", path) == ["animal/dog", *["own"] * claimed, "sky"]
        bench.undo("xattr", path)
        assert os.listxattr(path) == ([] if before is None else [XDG])
        assert before is None or os.getxattr(path, XDG) == before
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", ["picture-1.jpg.xmp", "picture-1.xmp", "picture-1.XMP"])
def test_sidecars_of_either_name_are_merged(bench: Bench, tmp_path: Path, name: str) -> None:
    path = make(tmp_path, "jpg")
    file = tmp_path / name
    file.write_bytes(
        b"<?xml version='1.0'?>\n<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
        b"xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' "
        b"xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:q='urn:q/' q:history='AbC=='>"
        b"<dc:subject><rdf:Seq><rdf:li>Sky</rdf:li></rdf:Seq></dc:subject>"
        b"</rdf:Description></rdf:RDF></x:xmpmeta>\n<!-- end -->"
    )
    before = file.read_bytes()
    bench.write("sidecar", WORDS, path)
    found = parse(file.read_bytes())
    assert found.values(SUBJECT) == ["Sky", "dog", "café"]  # sky is said already
    assert found.values(TAGS_LIST) == ["csearch/animal/dog", "csearch/scene/café"]
    assert b"q:history='AbC=='" in file.read_bytes()
    assert [other.name for other in tmp_path.glob("*.[xX][mM][pP]")] == [name]
    bench.undo("sidecar", path)
    assert file.read_bytes() == before


def test_a_sidecar_of_ours_vanishes_again(bench: Bench, tmp_path: Path) -> None:
    path = make(tmp_path, "jpg")
    path.chmod(0o640)
    bench.write("sidecar", WORDS, path)
    assert parse(sidecar(path).read_bytes()).values(HIERARCHICAL)[0] == "csearch|animal|dog"
    assert sidecar(path).stat().st_mode & 0o777 == 0o640
    bench.undo("sidecar", path)
    assert not sidecar(path).exists()
    bench.write("sidecar", WORDS, path)
    sidecar(path).write_bytes(sidecar(path).read_bytes().replace(b"</rdf:RDF>", b"\n</rdf:RDF>"))
    bench.undo("sidecar", path)
    assert not sidecar(path).exists()  # nobody said anything in it


def test_a_sidecar_that_may_be_another_pictures(bench: Bench, tmp_path: Path) -> None:
    path, other = make(tmp_path, "jpg"), make(tmp_path, "png")
    shared = tmp_path / "picture-1.xmp"
    bench.write("sidecar", ["sky"], path)
    sidecar(path).rename(shared)
    before = shared.read_bytes()
    assert bench.write("sidecar", ["sea"], path, other) == ["left", "left"]
    assert "may be the sidecar of" in bench.reasons[os.fsencode(path)]
    assert shared.read_bytes() == before


def test_the_jpeg_beside_a_raw_file_leaves_its_sidecar_alone(bench: Bench, tmp_path: Path) -> None:
    """picture-1.xmp is the raw file's, as Adobe's programs have it."""
    path = make(tmp_path, "jpg")
    bench.write("sidecar", ["sky"], path)
    shared = sidecar(path).rename(tmp_path / "picture-1.xmp")
    (tmp_path / "picture-1.dng").write_bytes(dng(Image.new("RGB", (64, 48))))
    before = shared.read_bytes()
    assert bench.write("sidecar", ["sea"], path) == ["written"]
    assert shared.read_bytes() == before and sidecar(path).exists()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_what_the_user_removes_never_comes_again(
    bench: Bench, tmp_path: Path, carrier: str
) -> None:
    need_exiftool()
    path = make(tmp_path, "jpg")
    bench.write(carrier, ["animal/dog", "sky"], path)
    if carrier == "xattr":
        os.setxattr(path, XDG, b"sky,mine")
    else:
        file = sidecar(path) if carrier == "sidecar" else path
        exiftool("-q", "-overwrite_original", "-XMP-dc:Subject-=dog", file)
    bench.write(carrier, ["animal/dog", "sky"], path)
    assert bench.words(carrier, path) == ["sky"]
    assert bench.write(carrier, ["animal/dog", "sea"], path, model="better") == ["written"]
    assert bench.words(carrier, path) == ["sea"]
    bench.undo(carrier, path)
    assert bench.write(carrier, ["animal/dog"], path) == ["unchanged"]
    if carrier == "xattr":
        assert os.getxattr(path, XDG) == b"mine"
    elif carrier == "embedded":
        assert b"dog" not in path.read_bytes()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_better_model_replaces_our_words_and_undo_knows_the_first_state(
    bench: Bench, tmp_path: Path, carrier: str
) -> None:
    path = make(tmp_path, "jpg")
    need_exiftool()
    os.setxattr(path, XDG, b"own")
    exiftool("-q", "-overwrite_original_in_place", "-P", "-XMP-dc:Subject=own", path)
    exiftool("-q", "-o", sidecar(path), path)
    files = [path, sidecar(path)]
    before = [(file.read_bytes(), os.listxattr(file)) for file in files]
    bench.write(carrier, ["animal/dog", "sky", "own"], path, model="first")
    bench.write(carrier, ["animal/cat", "sky"], path, model="second", root="tags")
    assert bench.words(carrier, path) == ["animal/cat", "sky"]
    entry = bench.entry(carrier, path)
    assert entry and entry.record and entry.record["model"] == "second"
    bench.undo(carrier, path)
    assert [(file.read_bytes(), os.listxattr(file)) for file in files] == before
    assert os.getxattr(path, XDG) == b"own"


@pytest.mark.parametrize("carrier", CARRIERS)
def test_copies_and_a_lost_ledger(bench: Bench, tmp_path: Path, carrier: str) -> None:
    """The mirror tells which tags are csearch's, after a rename and without the library."""
    need_exiftool()
    path = make(tmp_path, "jpg")
    whole = path.read_bytes()
    bench.write(carrier, ["animal/dog"], path)
    copy = tmp_path / "copy.jpg"
    for suffix in ("", ".xmp"):
        if path.with_name(path.name + suffix).exists():
            source = path.with_name(path.name + suffix)
            subprocess.run(["cp", "-a", source, copy.with_name(copy.name + suffix)], check=True)
    assert bench.write(carrier, ["animal/dog"], copy) == ["unchanged"]
    assert bench.words(carrier, copy) == ["animal/dog"]
    assert bench.undo(carrier, copy) == ["written"]
    assert copy.read_bytes() == whole

    with bench.library.write() as database:
        database.execute("DELETE FROM tag_ledger")
    assert bench.write(carrier, ["animal/cat"], path) == ["written"]
    bench.undo(carrier, path)
    assert b"dog" not in path.read_bytes() and b"cat" not in path.read_bytes()
    assert os.listxattr(path) == [] and not sidecar(path).exists()


@pytest.mark.parametrize("root", ["", "auto/csearch"])
def test_another_root_or_none(bench: Bench, tmp_path: Path, root: str) -> None:
    path = make(tmp_path, "jpg")
    bench.write("sidecar", ["animal/dog"], path, root=root)
    found = parse(sidecar(path).read_bytes())
    assert found.values(TAGS_LIST) == [f"{root}/animal/dog".removeprefix("/")]
    assert found.values(HIERARCHICAL) == [f"{root}/animal/dog".removeprefix("/").replace("/", "|")]
    bench.undo("sidecar", path)
    assert not sidecar(path).exists()


def test_what_is_damaged_is_left_alone(bench: Bench, tmp_path: Path) -> None:
    need_exiftool()
    for kind in KINDS:
        path = make(tmp_path, kind)
        whole = path.read_bytes()
        for content in (whole[: len(whole) // 2], whole[:-3]):
            path.write_bytes(content)
            assert bench.write("embedded", WORDS, path) == ["left"], kind
            assert path.read_bytes() == content
    for content in (b"", b"GIF89a", b"x" * 1000, b"\xff\xd8\xff", b"RIFF", b"\x89PNG\r\n\x1a\n"):
        path.write_bytes(content)
        assert bench.write("embedded", WORDS, path) == ["left"], content
        assert path.read_bytes() == content
    sidecar(path).write_bytes(b"not XML")
    assert bench.write("sidecar", WORDS, path) == ["left"]
    assert sidecar(path).read_bytes() == b"not XML"


@pytest.mark.parametrize("name", ["shot.dng", "shot.tif"])
def test_raw_files_are_never_rewritten(bench: Bench, tmp_path: Path, name: str) -> None:
    """Whatever they are called: many raw formats are TIFFs."""
    need_exiftool()
    path = tmp_path / name
    path.write_bytes(dng(Image.new("RGB", (64, 48), "green")))
    whole = path.read_bytes()
    assert bench.write("embedded", WORDS, path) == ["left"]
    assert "never rewritten; use --mode sidecar" in bench.reasons[os.fsencode(path)]
    assert bench.write("xattr", WORDS, path) == ["written"]
    assert bench.write("sidecar", WORDS, path) == ["written"]
    assert path.read_bytes() == whole
    bench.undo("xattr", path)
    bench.undo("sidecar", path)
    assert path.read_bytes() == whole
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [name]


def test_a_read_only_picture_is_left_alone(bench: Bench, tmp_path: Path) -> None:
    path = make(tmp_path, "jpg")
    whole = path.read_bytes()
    path.chmod(0o444)
    assert bench.write("embedded", WORDS, path) == ["left"]
    assert "read-only" in bench.reasons[os.fsencode(path)]
    assert path.read_bytes() == whole
    assert bench.write("sidecar", WORDS, path) == ["written"]
    assert bench.write("sidecar", ["other"], path) == ["written"], "its sidecar isn't read-only"
    assert bench.undo("sidecar", path) == ["written"]
    assert not sidecar(path).exists()


def test_an_empty_sidecar_takes_words_and_gives_them_back(bench: Bench, tmp_path: Path) -> None:
    """As it is left by a program that is killed just after creating it."""
    picture = make(tmp_path, "jpg")
    sidecar(picture).touch()
    assert bench.write("sidecar", ["sky"], picture) == ["written"], bench.reasons
    assert b"sky" in sidecar(picture).read_bytes()
    assert bench.undo("sidecar", picture) == ["written"], bench.reasons
    assert sidecar(picture).read_bytes() == b""
