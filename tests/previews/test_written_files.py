"""--grid and --why-image: the name says the format, and nobody's picture is overwritten."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from csearch.protocol.wire import pack
from support.user import User

FORMATS = {
    "a.jpg": "JPEG", "b.JPEG": "JPEG", "c.png": "PNG", "d.webp": "WEBP", "e.tif": "TIFF",
    "f.avif": "AVIF", "g.gif": "GIF",
}  # fmt: skip
OPTIONS = ("--grid", "--why-image")


def written(user: User, *arguments: object, check: int = 0) -> str:
    done = user.csearch("-t", "2", "--in", user.pictures, *arguments, "a cat", check=check)
    return done.stderr.decode()


@pytest.mark.parametrize("name", FORMATS)
def test_the_name_says_the_format(settled: User, tmp_path: Path, name: str) -> None:
    sheet, drawing = tmp_path / name, tmp_path / f"why-{name}"
    written(settled, "--grid", sheet, "--why-image", drawing)
    for path in (sheet, drawing):
        with Image.open(path) as image:
            assert image.format == FORMATS[name] and max(image.size) > 400
    assert {path.name for path in tmp_path.iterdir()} == {name, f"why-{name}"}
    written(settled, "--grid", sheet, "--why-image", drawing)  # each replaces its own


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", ["x.pdf", "x.bmp", "x.jp", "x", "x.", ".jpg", "x.png.txt"])
def test_what_cannot_be_written_is_refused_at_once(
    settled: User, tmp_path: Path, option: str, name: str
) -> None:
    said = written(settled, option, tmp_path / name, check=2)
    assert str(tmp_path / name) in said and ".jpg" in said and ".png" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", ["nowhere/x.png", "file/x.png"])
def test_a_directory_that_is_missing_is_told_before_the_search(
    settled: User, tmp_path: Path, option: str, name: str
) -> None:
    (tmp_path / "file").touch()
    done = settled.csearch("--in", settled.pictures, option, tmp_path / name, "a cat", check=2)
    assert done.stdout == b"" and f"{tmp_path / name} cannot be written" in done.stderr.decode()


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.webp"])
def test_one_never_overwrites_the_others(settled: User, tmp_path: Path, name: str) -> None:
    for one, other in (OPTIONS, OPTIONS[::-1]):
        path = tmp_path / name
        written(settled, one, path)
        before = path.read_bytes()
        said = written(settled, other, path, check=2)
        assert "choose another name" in said and path.read_bytes() == before
        path.unlink()


def test_both_cannot_have_one_file(settled: User, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    path, same = tmp_path / "x.png", tmp_path / "link" / "x.png"
    said = written(settled, "--grid", path, "--why-image", same, check=2)
    assert "same file" in said and not path.exists()


@pytest.mark.parametrize("option", OPTIONS)
def test_pictures_of_the_user_are_never_overwritten(
    settled: User, tmp_path: Path, option: str
) -> None:
    photo = settled.pictures / "cat.jpg"
    link = tmp_path / "link.jpg"
    link.symlink_to(photo)
    before = photo.read_bytes()
    for path in (photo, link):
        assert "choose another name" in written(settled, option, path, check=2)
    assert photo.read_bytes() == before and link.is_symlink()
    (tmp_path / "folder.png").mkdir()
    assert "choose another name" in written(settled, option, tmp_path / "folder.png", check=2)
    os.mkfifo(tmp_path / "pipe.png")
    assert "choose another name" in written(settled, option, tmp_path / "pipe.png", check=2)


def test_a_sheet_that_a_format_has_no_room_for_says_so(settled: User) -> None:
    cat = {"path": os.fsencode(settled.pictures / "cat.jpg"), "name": "cat.jpg", "below": ""}
    pictures = [cat] * 290  # in rows of five
    made = {}
    for form, status in (("WEBP", 1), ("JPEG", 0)):
        frame = pack({"pictures": pictures, "form": form, "kind": "contact sheet"})
        program = "csearchd.previews.contact_sheet"
        made[form] = settled.run(program, input=frame, check=status)
    said = made["WEBP"].stderr.decode()
    assert "16,383" in said and ".png" in said and "Error" not in said
    assert Image.open(io.BytesIO(made["JPEG"].stdout)).height > 16_383
