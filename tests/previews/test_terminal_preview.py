"""Pictures in the terminal: what the real command sends to each kind, parsed."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pexpect
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from csearch.preview import placeholders
from csearchd.previews import desktop_thumbnails
from csearchd.previews.thumbnails import ThumbnailMaker, keep_for_desktop
from support.photos import photo
from support.user import SECONDS, User, wait_for

_COLUMNS, _LINES = 100, 60
_CLEARED = ("TMUX", "TMUX_PANE", "TERM_PROGRAM", "COLORTERM", "KITTY_WINDOW_ID", "LC_TERMINAL",
            "KONSOLE_VERSION", "VTE_VERSION")  # fmt: skip
_QUERY = b"\x1b[16t\x1b[c"


@pytest.fixture(scope="module")
def viewer(settled: User) -> User:
    """A user who was asked about a larger model before."""
    (settled.data / "model-offered").touch()
    return settled


def shown(user: User, *arguments: str, answer: bytes = b"", **variables: str) -> bytes:
    """What `csearch --preview` sends to a terminal, which answers a question so."""
    environment = {k: v for k, v in user.environment.items() if k not in _CLEARED}
    child = pexpect.spawn(
        sys.executable,
        ["-P", "-m", "csearch.search", "--preview", "--in", str(user.pictures), *arguments],
        env={**environment, "TERM": "xterm-256color", **variables},
        dimensions=(_LINES, _COLUMNS),
        timeout=SECONDS,
        use_poll=True,
    )
    before = b""
    if answer:
        child.expect_exact(_QUERY)
        before = child.before + child.after
        child.send(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    return before + child.before


def is_like(image: Image.Image, name: str) -> bool:
    """Whether it shows one of the photos, in its proportions."""
    original = photo(name)
    proportions = image.width / image.height / (original.width / original.height)
    small = [np.asarray(one.convert("RGB").resize((8, 8)), float) for one in (image, original)]
    return 0.9 < proportions < 1.1 and float(np.abs(small[0] - small[1]).mean()) < 20


def kitty_pictures(output: bytes) -> list[Image.Image]:
    pictures, data = [], b""
    for control, payload in re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", output):
        keys = dict(pair.split(b"=") for pair in control.split(b","))
        assert keys[b"q"] == b"2" and len(payload) <= 4096
        if not data:
            assert (keys[b"a"], keys[b"f"]) == (b"T", b"100")
            assert (b"C" in keys) != (b"U" in keys)
        data += payload
        if keys[b"m"] == b"0":
            pictures.append(Image.open(io.BytesIO(base64.b64decode(data, validate=True))))
            data = b""
    assert not data
    return pictures


def iterm2_pictures(output: bytes) -> list[Image.Image]:
    pictures = []
    for size, payload in re.findall(
        rb"\x1b\]1337;File=inline=1;size=(\d+);[^:]*:([^\x07]*)", output
    ):
        data = base64.b64decode(payload, validate=True)
        assert len(data) == int(size)
        pictures.append(Image.open(io.BytesIO(data)))
    return pictures


def sixel_pictures(output: bytes) -> list[Image.Image]:
    """Draws what it is told, as a terminal does."""
    pictures = []
    for width, height, body in re.findall(rb'\x1bP0;1;0q"1;1;(\d+);(\d+)([^\x1b]*)\x1b\\', output):
        pixels = np.full((int(height) + 5, int(width), 3), -1, float)
        palette: dict[bytes, list[float]] = {}
        row = column = 0
        colour = b""
        for token in re.finditer(
            rb"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)", body
        ):
            if token[1]:
                palette[token[1]] = [int(token[n]) * 2.55 for n in (2, 3, 4)]
            elif token[5]:
                colour = token[5]
            elif token[9] or token[10]:
                column, row = 0, row + (6 if token[10] else 0)
            else:
                count, bits = int(token[6] or 1), (token[7] or token[8])[0] - 63
                for bit in range(6):
                    if bits >> bit & 1:
                        pixels[row + bit, column : column + count] = palette[colour]
                column += count
        drawn = pixels[: int(height)]
        assert (drawn >= 0).all(), "a pixel without a colour"
        pictures.append(Image.fromarray(drawn.astype(np.uint8)))
    return pictures


def block_pictures(output: bytes) -> list[Image.Image]:
    """Of 24-bit colours."""
    pictures, rows = [], []
    for line in output.split(b"\r\n"):
        cells = re.findall(
            rb"\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m\xe2\x96\x80", line
        )
        if cells:
            numbers = np.array(cells).astype(int).reshape(-1, 2, 3)
            rows += [numbers[:, 0], numbers[:, 1]]
        elif rows:
            pictures.append(Image.fromarray(np.array(rows, np.uint8)))
            rows = []
    return pictures


@pytest.mark.parametrize(
    ("variables", "parsed"),
    [
        ({"TERM": "xterm-kitty"}, kitty_pictures),
        ({"KONSOLE_VERSION": "221203"}, kitty_pictures),
        ({"TERM_PROGRAM": "WezTerm"}, iterm2_pictures),
        ({"TERM_PROGRAM": "iTerm.app"}, iterm2_pictures),
        ({"LC_TERMINAL": "iTerm2"}, iterm2_pictures),
        ({"TERM": "foot"}, sixel_pictures),
        ({"TERM": "linux", "COLORTERM": "truecolor"}, block_pictures),
    ],
)
def test_each_terminal_gets_what_it_shows(viewer: User, variables, parsed) -> None:
    output = shown(viewer, "-t", "2", "a cup of coffee", **variables)
    first, second = parsed(output)
    assert is_like(first, "coffee") and not is_like(second, "coffee")
    assert output.index(b"coffee.jpg") < output.index(b"\x1b", output.index(b"coffee.jpg"))
    assert _QUERY not in output


@pytest.mark.parametrize(
    ("answer", "parsed"),
    [
        (b"\x1b[6;20;10t\x1b[?62;4;22c", sixel_pictures),
        (b"\x1b[?62;22c", block_pictures),
    ],
)
def test_an_unknown_terminal_is_asked(viewer: User, answer: bytes, parsed) -> None:
    output = shown(viewer, "-t", "1", "a cup of coffee", answer=answer, COLORTERM="truecolor")
    (picture,) = parsed(output)
    assert is_like(picture, "coffee")
    assert output.count(_QUERY) == 1 and answer not in output


def test_one_that_does_not_answer_gets_text_alone(viewer: User) -> None:
    output = shown(viewer, "-t", "1", "a cup of coffee")
    text = re.sub(rb"\x1b\[[0-9;]*[mtc]", b"", output)
    assert b"\x1b" not in text and "▀".encode() in text


def test_what_shows_nothing_gets_the_table(viewer: User) -> None:
    output = shown(viewer, "-t", "1", "a cup of coffee", TERM="dumb")
    assert b"\x1b" not in output and b"coffee.jpg  by name\r\n" in output
    piped = viewer.csearch("--preview", "-t", "1", "coffee", "--in", viewer.pictures).stdout
    assert piped == os.fsencode(viewer.pictures / "coffee.jpg") + b"\n"


def test_the_cursor_is_below_the_picture_afterwards(viewer: User) -> None:
    output = shown(viewer, "-t", "1", "a cup of coffee", TERM="xterm-kitty")
    _, _, rest = output.partition(b"coffee.jpg")
    ((rows,),) = [re.findall(rb"r=(\d+)", rest)]
    after = int(rows) + 1
    assert b"\r\n" * after + b"\x1b[%dA\x1b7\x1b_G" % after in rest
    assert rest.endswith(b"\x1b8\x1b[%dB\r" % int(rows))


def test_ctrl_c_leaves_the_terminal_in_order(viewer: User) -> None:
    environment = {k: v for k, v in viewer.environment.items() if k not in _CLEARED}
    child = pexpect.spawn(
        sys.executable,
        ["-P", "-m", "csearch.search", "--preview", "--in", str(viewer.pictures), "a cat"],
        env={**environment, "TERM": "xterm-kitty"},
        dimensions=(_LINES, _COLUMNS),
        timeout=SECONDS,
        use_poll=True,
    )
    child.expect_exact(b"\x1b_G")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert b"Traceback" not in child.before
    output = child.before
    # Each escape is ended, and the cursor has been put back below the picture.
    assert output.rfind(b"\x1b_G") < output.rfind(b"\x1b\\")
    assert output.rfind(b"\x1b7") < output.rfind(b"\x1b8\x1b[")


needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs the package tmux")


def through_tmux(viewer: User, name: bytes, allowed: str = "on") -> bytes:
    """What a terminal that calls itself so gets from a tmux in which `csearch --preview` runs."""
    settings = viewer.home / "tmux.conf"
    settings.write_text(f"set -g allow-passthrough {allowed}\nset -g status-position top\n")
    kind = re.split(r"\W", name.decode())[0]
    command = (
        f"until tmux display-message -p '#{{client_termtype}}' | grep -q {kind}; do :; done; "
        f"{sys.executable} -P -m csearch.search --preview --in {viewer.pictures} -t 1 name:coffee; "
        "echo finished; read line"  # what tmux has not shown when a program ends is lost
    )
    environment = {k: v for k, v in viewer.environment.items() if k not in _CLEARED}
    child = pexpect.spawn(
        "tmux",
        ["-S", str(viewer.runtime / "tmux"), "-f", str(settings), "new", command],
        env={**environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
        dimensions=(_LINES, _COLUMNS),
        timeout=SECONDS,
        use_poll=True,
    )
    child.expect_exact(b"\x1b[>q")  # tmux asks what it is in
    child.send(b"\x1bP>|" + name + b"\x1b\\")
    child.expect_exact(b"finished")
    output: bytes = child.before
    child.send(b"\r")
    child.expect(pexpect.EOF)
    child.close()
    return output


@needs_tmux
def test_through_tmux(viewer: User) -> None:
    output = through_tmux(viewer, b"WezTerm 20230712")
    (picture,) = iterm2_pictures(output)
    assert is_like(picture, "coffee")
    # The table's line is the first below the status, the picture's the next one.
    assert re.search(rb"\x1b7\x1b\[3;1H\x1b\]1337", output)


@needs_tmux
@pytest.mark.parametrize("name", [b"VTE(7600)", b"XTerm(390)"])
def test_a_terminal_without_sixels_gets_none_from_tmux(viewer: User, name: bytes) -> None:
    """tmux 3.4 and later claim to show sixels whatever the terminal around them shows."""
    output = through_tmux(viewer, name)
    assert b"SIXEL" not in output and "▀".encode() in output


@needs_tmux
def test_sixels_through_tmux(viewer: User) -> None:
    output = through_tmux(viewer, b"foot(1.16.2)")
    assert re.search(rb"\x1bP[\d;]*q", output) and b"SIXEL" not in output


@needs_tmux
def test_what_tmux_keeps_back_is_drawn_in_characters(viewer: User) -> None:
    output = through_tmux(viewer, b"kitty(0.35.2)", "off")
    assert kitty_pictures(output) == []
    assert "▀".encode() in output and b"allow-passthrough" in output


@needs_tmux
@pytest.mark.parametrize("name", [b"kitty(0.26.5)", b"kitty(0.27.1)", b"kitty"])
def test_a_kitty_without_placeholders_gets_characters_from_tmux(viewer: User, name: bytes) -> None:
    output = through_tmux(viewer, name)
    assert kitty_pictures(output) == [] and "\U0010eeee".encode() not in output
    assert "▀".encode() in output and b"0.28" in output


@needs_tmux
@pytest.mark.parametrize("name", [b"kitty(0.28.0)", b"kitty(0.35.2)", b"ghostty 1.1.3"])
def test_pictures_are_text_to_tmux_where_the_terminal_knows_placeholders(
    viewer: User, name: bytes
) -> None:
    output = through_tmux(viewer, name)
    (picture,) = kitty_pictures(output)
    assert is_like(picture, "coffee")
    ((number, columns, rows),) = re.findall(rb"U=1,i=(\d+),c=(\d+),r=(\d+),", output)
    colour, text = int(number) & 0xFF, output.decode()
    mark = "([\u0300-\u07f3])"  # tmux writes a cell again with each mark that comes
    cells = re.findall(f"\U0010eeee{mark}{mark}{mark}", text)
    assert f"\x1b[38;5;{colour}m\U0010eeee" in text
    marks = [chr(mark) for mark in (0x305, 0x30D, 0x30E, 0x310, 0x312, 0x33D, 0x33E, 0x33F)]
    assert [cell[0] for cell in cells[:: int(columns)]][:8] == marks
    assert [cell[1] for cell in cells[:8]] == marks
    assert len(cells) == int(columns) * int(rows) and len({cell[2] for cell in cells}) == 1
    assert len(set(cells)) == len(cells)


def test_pictures_that_are_text_never_take_the_place_of_another() -> None:
    numbers = {
        placeholders.picture({"data": b""}, 1, 1, number)[1]
        for number in range(7, 7 + placeholders.NUMBERS)
    }
    assert len(numbers) == placeholders.NUMBERS


@needs_tmux
def test_a_terminal_without_placeholders_gets_pictures_by_their_place(viewer: User) -> None:
    output = through_tmux(viewer, b"Konsole 22.12.3")
    assert len(kitty_pictures(output)) == 1 and "\U0010eeee".encode() not in output


def test_no_color_leaves_the_table_alone(viewer: User) -> None:
    output = shown(viewer, "-t", "1", "name:coffee", TERM="linux", NO_COLOR="1")
    assert b"\x1b" not in output and b"NO_COLOR" in output and b"coffee.jpg\r\n" in output


def test_a_picture_that_has_gone_bad_is_said_to_be(user: User) -> None:
    user.take_photos(("cat", "coffee"))
    user.search("a cat", "--in", user.pictures)
    (user.data / "model-offered").touch()
    path = user.pictures / "coffee.jpg"
    user.csearchctl("pause")
    path.write_bytes(b"\xff\xd8\xff" + b"x" * 1000)
    output = shown(user, "-t", "2", "a cup of coffee", TERM="xterm-kitty")
    assert b"coffee.jpg" in output and re.search(rb"\r\n  \([a-z ]+.*\)\r\n", output)
    assert len(kitty_pictures(output)) == 1


def test_pictures_are_upright(user: User) -> None:
    user.pictures.mkdir(exist_ok=True)
    turned = ImageOps.exif_transpose(photo("coffee")).rotate(90, expand=True)
    exif = Image.Exif()
    exif[274] = 6
    turned.save(user.pictures / "a.jpg", exif=exif)
    user.search("coffee", "--in", user.pictures)
    (user.data / "model-offered").touch()
    (picture,) = kitty_pictures(shown(user, "coffee", TERM="xterm-kitty"))
    assert is_like(picture, "coffee")


@pytest.mark.parametrize("current", [True, False])
def test_the_desktops_thumbnail_is_taken_if_it_is_current(viewer: User, current: bool) -> None:
    path = viewer.pictures / "moon.jpg"
    name = hashlib.md5(f"file://{path}".encode()).hexdigest()
    place = viewer.home / f".cache/thumbnails/xx-large/{name}.png"
    place.parent.mkdir(parents=True, exist_ok=True)
    about = PngImagePlugin.PngInfo()
    about.add_text("Thumb::MTime", str(int(path.stat().st_mtime) + (not current)))
    photo("cat").save(place, pnginfo=about)
    (picture,) = kitty_pictures(shown(viewer, "name:moon", TERM="xterm-kitty"))
    assert is_like(picture, "cat" if current else "moon")


def test_a_sheet_has_every_result(viewer: User) -> None:
    path = viewer.home / "sheet.png"
    found = viewer.search("-t", "7", "--grid", path, "a cat", "--in", viewer.pictures)
    assert len(found) == 7
    with Image.open(path) as sheet:
        assert sheet.format == "PNG" and sheet.info["Software"] == "csearch"
        assert sheet.width > 5 * 240 and 2 * 280 < sheet.height < 3 * 280
        best = sheet.crop((16, 96, 256, 256))  # of 3:2, at the bottom of its place
        assert found[0].stem == "cat" and is_like(best, "cat")
    viewer.search("--grid", path, "a rocket", "--in", viewer.pictures)  # a sheet is replaced


def test_nothing_but_a_sheet_is_replaced(viewer: User) -> None:
    path = viewer.pictures / "cat.jpg"
    before = path.read_bytes()
    done = viewer.csearch("--grid", path, "a cat", "--in", viewer.pictures, check=2)
    assert b"not a contact sheet" in done.stderr and not done.stdout
    assert path.read_bytes() == before
    pipe = viewer.home / "pipe.png"
    os.mkfifo(pipe)
    assert b"not a contact sheet" in viewer.csearch("--grid", pipe, "a cat", check=2).stderr
    nowhere = viewer.home / "nowhere" / "sheet.png"
    done = viewer.csearch("--grid", nowhere, "a cat", "--in", viewer.pictures, check=2)
    assert str(nowhere).encode() in done.stderr and b"Traceback" not in done.stderr


def test_the_best_one_is_opened(viewer: User, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{opened}.new; mv {opened}.new {opened}\n')
    opener.chmod(0o755)
    path = viewer.environment["PATH"]
    viewer.environment["PATH"] = f"{tmp_path}:{path}"
    try:
        found = viewer.search("--open", "a cup of coffee", "--in", viewer.pictures)
        wait_for(opened.exists, "the program that opens pictures")
        assert opened.read_text() == f"{found[0]}\n"
        viewer.environment["PATH"] = "/nonexistent"
        done = viewer.csearch("--open", "coffee", "--in", viewer.pictures, check=2)
        assert done.stdout and b"xdg-utils" in done.stderr
    finally:
        viewer.environment["PATH"] = path


def test_a_thumbnail_for_the_desktop_is_known_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the picture holds beside its pixels."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = os.fsencode(tmp_path / "a.jpg")
    photo("cat").save(path, icc_profile=os.urandom(10_000))
    changed = os.stat(path).st_mtime_ns
    assert desktop_thumbnails.thumbnail(path, changed) is None
    file = keep_for_desktop(ThumbnailMaker(), path, "large")
    assert desktop_thumbnails.thumbnail(path, changed) == file
    assert desktop_thumbnails.thumbnail(path, changed + 1_000_000_000) is None
    with Image.open(file) as made:
        assert "icc_profile" not in made.info
