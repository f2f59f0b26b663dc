"""Pictures that break off: found, marked, read again when they grow, never tagged inside."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from support.photos import photo
from support.user import User, wait_for


def picture(name: str, format: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    photo(name).save(stream, format, quality=90)
    return stream.getvalue()


def shown(user: User, folder: Path) -> dict[str, Any]:
    """By name, whether csearch says that a picture is incomplete."""
    done = user.csearch("anything", "--in", folder, "--json", "-t", 50, check=None)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(line["path"]).name: line["incomplete"] for line in lines}


def test_they_are_found_and_marked(watching: User, folder: Path) -> None:
    whole = picture("astronaut")
    (folder / "whole.jpg").write_bytes(whole)
    for format in ("JPEG", "PNG", "GIF", "WEBP", "TIFF"):
        data = picture("coffee", format)
        (folder / f"cut.{format.lower()}").write_bytes(data[: len(data) * 4 // 5])
    (folder / "endless.jpg").write_bytes(picture("cat")[:-2])
    (folder / "nothing.jpg").write_bytes(whole[:300])
    cut = {f"cut.{suffix}": True for suffix in ("jpeg", "png", "gif", "webp", "tiff")}
    want = {"whole.jpg": False, "endless.jpg": True, **cut}
    wait_for(lambda: shown(watching, folder) == want, "the pictures", 90)
    assert watching.settle()["failed"] == 1
    told = watching.csearch("anything", "--in", folder, "--why", "-t", 50).stdout.decode()
    assert told.count("the file is incomplete") == 6
    line = watching.csearch(
        "name:endless", "--in", folder, "--format", "{name} {incomplete}"
    ).stdout.decode()
    assert line == "endless.jpg yes\n"


def test_one_that_grows_is_read_again(watching: User, folder: Path) -> None:
    whole = picture("rocket")
    path = folder / "download.jpg"
    path.write_bytes(whole[: len(whole) // 2])
    wait_for(lambda: shown(watching, folder) == {"download.jpg": True}, "the first half", 90)
    with path.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    wait_for(lambda: shown(watching, folder) == {"download.jpg": False}, "the whole picture", 90)


def test_nothing_is_taken_as_truncated_while_it_is_written(watching: User, folder: Path) -> None:
    whole = picture("moon")
    with (folder / "copy.jpg").open("wb") as file:
        file.write(whole[:-2000])
        file.flush()
        watching.csearchctl("rescan", folder)
        encoded = watching.status()["encoded"]
        wait_for(lambda: watching.status()["pending"] == 1, "a file that is due", 90)
        file.write(whole[-2000:])
    wait_for(lambda: shown(watching, folder) == {"copy.jpg": False}, "the whole picture", 90)
    assert watching.settle()["encoded"] == encoded + 1


def test_no_tags_are_written_into_them(watching: User, folder: Path) -> None:
    paths = {}
    for format in ("JPEG", "PNG", "WEBP"):
        data = picture("horse", format)
        paths[folder / f"cut.{format.lower()}"] = data[: len(data) * 9 // 10]
    for path, data in paths.items():
        path.write_bytes(data)
    wait_for(lambda: len(shown(watching, folder)) == 3, "the pictures", 90)
    watching.csearchctl("tags", "write", "--mode", "embedded", folder, check=None)
    watching.settle()
    for path, data in paths.items():
        assert path.read_bytes() == data
