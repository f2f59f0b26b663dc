"""Small pictures: what is broken costs itself, and the process keeps to the user's limits."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from csearch.protocol.wire import MAX_REPLY, Message, Unpacker, pack
from csearchd.encoder.messages import Limits
from csearchd.errors import PictureError
from csearchd.previews import desktop_thumbnails
from csearchd.previews.thumbnails import ThumbnailMaker, keep_for_desktop

LIMITS = Limits(pixels=10**7, bytes=10**7, memory=10**9)
RED = (200, 30, 40)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def picture(home: Path, name: str = "red.png", size: tuple[int, int] = (40, 30)) -> bytes:
    image = Image.new("RGB", size, RED)
    image.putpixel((1, 1), (1, 2, 3))
    image.save(home / name)
    return os.fsencode(home / name)


def kept(home: Path, name: str = "red.png") -> tuple[bytes, Path]:
    """A picture that has a thumbnail in the desktop's cache, and that."""
    path = picture(home, name)
    file = keep_for_desktop(ThumbnailMaker(LIMITS), path, "large")
    changed = os.stat(path).st_mtime_ns
    assert desktop_thumbnails.thumbnail(path, changed) == file
    return path, Path(file)


def is_red(image: Image.Image) -> bool:
    pixel = image.convert("RGB").getpixel((20, 15))
    return isinstance(pixel, tuple) and max(abs(a - b) for a, b in zip(pixel, RED, strict=True)) < 9


def broken(data: bytes) -> list[bytes]:
    """What Pillow raises SyntaxError for, and what it raises much else for."""
    at = data.index(b"IDAT") - 4
    cut = [data[: at + 12] + os.urandom(40), data[:at] + b"\0\0\0\5IDATx\x01\x01\0\0" + data[-12:]]
    wrong = bytearray(data)
    wrong[at + 10 :] = bytes(len(data) - at - 10)
    half = (4).to_bytes(4, "big") + b"IDAT" + data[at + 8 : at + 12] + b"\0\0\0\0\0\0\0\1\1\2\3\4"
    randomly = []
    for seed in range(150):
        chance = random.Random(seed)
        changed = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(8, len(data))] = chance.randrange(256)
        randomly.append(bytes(changed))
    return [*cut, bytes(wrong), data[:at] + half, b"", b"\x89PNG\r\n\x1a\n", *randomly]


def test_a_broken_thumbnail_of_the_desktops_is_left_aside(home: Path) -> None:
    path, file = kept(home)
    thumbnails = ThumbnailMaker(LIMITS)
    for damaged in broken(file.read_bytes()):
        file.write_bytes(damaged)
        thumbnails.make(path, 200, 200)  # raises nothing; some damage leaves a picture
    os.unlink(file)
    os.mkfifo(file)  # nobody writes to it
    assert is_red(thumbnails.make(path, 200, 200))


def test_a_broken_picture_costs_itself(home: Path) -> None:
    path = Path(os.fsdecode(picture(home)))
    thumbnails = ThumbnailMaker(LIMITS)
    for damaged in broken(path.read_bytes()):
        path.write_bytes(damaged or b"x")
        try:
            thumbnails.make(os.fsencode(path), 100, 100)
        except PictureError as error:
            assert str(error)


@contextmanager
def process() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-P", "-m", "csearchd.previews.thumbnails"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        try:
            yield running
        finally:
            running.kill()


def ask(running: subprocess.Popen[bytes], **request: object) -> Message:
    assert running.stdin and running.stdout
    running.stdin.write(pack(request))
    running.stdin.flush()
    unpacker = Unpacker(MAX_REPLY)
    while data := os.read(running.stdout.fileno(), 1 << 16):
        for reply in unpacker.feed(data):
            return reply
    raise AssertionError("it has ended")


def test_the_process_outlives_whatever_it_is_asked_and_is_nice(home: Path) -> None:
    path, file = kept(home)
    file.write_bytes(broken(file.read_bytes())[3])
    sized = {"width": 64, "height": 64}
    with process() as running:
        assert ask(running, path=path, form="rgb", **sized)["width"] == 40
        fields = Path(f"/proc/{running.pid}/stat").read_text().rpartition(")")[2].split()
        assert int(fields[16]) >= 5  # nice
        assert Path(f"/proc/{running.pid}/oom_score_adj").read_text().strip() == "1000"
        for odd in (
            {"path": path},
            {"path": path, "form": "desktop", "size": "gigantic"},
            {"path": b"/a\0b", "form": "png", **sized},
            {"path": path, "form": "png", "width": -1, "height": "x"},
            {"path": path, "form": "palette", "width": 0, "height": 0},
        ):
            ask(running, **odd)
        assert ask(running, path=path, form="palette", **sized)["height"] == 30


@pytest.mark.parametrize("key", ["max_pixels", "max_bytes", "max_memory"])
def test_the_users_limits_hold(home: Path, key: str) -> None:
    path = picture(home, size=(60, 50))
    config = home / ".config" / "csearch" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f"[encode]\n{key} = 50\n")
    for form in ({"form": "png", "width": 64, "height": 64}, {"form": "desktop", "size": "large"}):
        with process() as running:
            assert f"encode.{key}" in ask(running, path=path, **form)["reason"]
    config.write_text("[encode]\nmax_pixels = 'many'\n")  # others say that; the defaults hold
    with process() as running:
        assert "file" in ask(running, path=path, form="desktop", size="large")


def test_a_broken_thumbnail_costs_a_contact_sheet_nothing(home: Path) -> None:
    path, file = kept(home)
    file.write_bytes(broken(file.read_bytes())[3])
    bad = home / "bad.png"
    bad.write_bytes(broken(Path(os.fsdecode(path)).read_bytes())[3])
    shown = [{"path": p, "name": "n", "below": "1"} for p in (path, os.fsencode(bad), b"/none")]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "csearchd.previews.contact_sheet"],
        input=pack({"pictures": shown, "form": "PNG", "kind": "contact sheet"}),
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    image = Image.open(io.BytesIO(done.stdout)).convert("RGB")
    assert any(image.getpixel((x, y)) == RED for x in range(16, 260, 4) for y in range(200, 260, 4))
