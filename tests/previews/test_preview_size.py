"""How large pictures in the terminal are, and how they look where there are 256 colours."""

from __future__ import annotations

import re
import sys

import numpy as np
import pexpect
import pytest
from PIL import Image

from support.photos import photo
from support.user import SECONDS, User

_CLEARED = ("TMUX", "TMUX_PANE", "TERM_PROGRAM", "COLORTERM", "KITTY_WINDOW_ID", "LC_TERMINAL",
            "KONSOLE_VERSION", "VTE_VERSION")  # fmt: skip
_CELL = rb"\x1b\[38;5;(\d+);48;5;(\d+)m\xe2\x96\x80"
_LEVELS = (0, 95, 135, 175, 215, 255)


@pytest.fixture(scope="module")
def viewer(settled: User) -> User:
    (settled.data / "model-offered").touch()
    return settled


def shown(
    user: User, *arguments: str, lines: int = 60, columns: int = 100, **variables: str
) -> bytes:
    """What `csearch name:coffee` sends to a terminal."""
    environment = {k: v for k, v in user.environment.items() if k not in _CLEARED}
    child = pexpect.spawn(
        sys.executable,
        ["-P", "-m", "csearch.search", *arguments, "--in", str(user.pictures), "name:coffee"],
        env={**environment, "TERM": "linux", **variables},
        dimensions=(lines, columns),
        timeout=SECONDS,
        use_poll=True,
    )
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    return bytes(child.before)


def rows(output: bytes) -> int:
    """How many lines of half-blocks there are."""
    return sum("▀".encode() in line for line in output.split(b"\r\n"))


def colours(output: bytes) -> np.ndarray:
    """The picture that half-blocks of xterm's palette show, float (height, width, 3)."""
    drawn = []
    for line in output.split(b"\r\n"):
        if cells := re.findall(_CELL, line):
            drawn += [[_colour(int(cell[half])) for cell in cells] for half in (0, 1)]
    return np.array(drawn, float)


def _colour(number: int) -> tuple[int, int, int]:
    assert number >= 16  # others are the theme's
    if number >= 232:
        return (8 + 10 * (number - 232),) * 3
    number -= 16
    return _LEVELS[number // 36], _LEVELS[number // 6 % 6], _LEVELS[number % 6]


def test_pictures_are_twenty_lines_high_or_what_is_asked_for(viewer: User) -> None:
    assert rows(shown(viewer, "--preview")) == 20
    assert rows(shown(viewer, "--preview", "--preview-size", "30")) == 30
    assert rows(shown(viewer, "--preview-size=8")) == 8  # it implies --preview
    output = shown(viewer, "--preview-size", "13", TERM="xterm-kitty")
    assert re.findall(rb"r=(\d+)", output) == [b"13"]


def test_they_fit_on_the_terminal(viewer: User) -> None:
    assert rows(shown(viewer, "--preview-size", "200", lines=24)) == 21
    narrow = shown(viewer, "--preview", columns=30)
    assert colours(narrow).shape[1] == 28 and 8 <= rows(narrow) <= 10


@pytest.mark.parametrize("size", ["0", "1", "201", "-5", "9" * 30, "x", "4.5", ""])
def test_other_sizes_are_refused(viewer: User, size: str) -> None:
    done = viewer.csearch(f"--preview-size={size}", "a cat", check=2)
    assert b"from 2 to 200" in done.stderr and not done.stdout


def test_a_size_goes_with_no_other_form(viewer: User) -> None:
    for other in ("--json", "-0", "--count", "--folder", "--format={path}"):
        done = viewer.csearch("--preview-size=30", other, "a cat", check=2)
        assert b"--preview-size doesn't go with" in done.stderr


def test_in_256_colours_the_picture_is_still_that(viewer: User) -> None:
    """On average over some cells, colours are those of the photo: no area has become another."""
    drawn = colours(shown(viewer, "--preview"))
    height, width, _ = drawn.shape
    assert height == 40
    image = photo("coffee").convert("RGB").resize((width, height), Image.Resampling.BOX)
    far = np.abs(_blurred(drawn) - _blurred(np.asarray(image, float)))
    assert far.mean() < 8, far.mean()  # the nearest colours alone: 11


def _blurred(pixels: np.ndarray) -> np.ndarray:
    """The means of squares of four by four pixels."""
    height, width = (side // 4 * 4 for side in pixels.shape[:2])
    squares = pixels[:height, :width].reshape(height // 4, 4, width // 4, 4, 3)
    return np.asarray(squares.mean(axis=(1, 3)))
