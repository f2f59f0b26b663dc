"""Paths as they are shown to people."""

from __future__ import annotations

import subprocess
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csearch.protocol.quoting import printable
from csearch.show.paths import file_uri, shorten, shortest, width

names = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name)


@pytest.mark.parametrize(
    ("path", "directory", "shown"),
    [
        (b"/home/me/p/a.jpg", b"/home/me/p", b"a.jpg"),
        (b"/home/me/p/a.jpg", b"/home/me/q", b"../p/a.jpg"),
        (b"/p/a.jpg", b"/home/me/deep/down", b"/p/a.jpg"),
        (b"/p/a.jpg", b"/", b"p/a.jpg"),
    ],
)
def test_shortest(path, directory, shown):
    assert shortest(path, directory) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"/p/a b.jpg", "/p/a b.jpg"),
        ("/p/Straße 東京 👩‍👧.jpg".encode(), "/p/Straße 東京 👩‍👧.jpg"),
        ("/p/at 1.02\u202fPM.png".encode(), "/p/at 1.02\u202fPM.png"),
        (b"/p/back\\slash", "/p/back\\slash"),
        (b"/p/\n'\\", "$'/p/\\n\\'\\\\'"),
        (b"/p/\x1b]0;x\x07", "$'/p/\\e]0;x\\x07'"),
        ("/p/\u202egpj.exe".encode(), "$'/p/\\xe2\\x80\\xaegpj.exe'"),
        (b"/p/\xc3\x28", "$'/p/\\xc3('"),
    ],
)
def test_printable(path, shown):
    assert printable(path) == shown


@given(names)
def test_what_is_shown_is_safe_and_can_be_pasted(name):
    shown = printable(name)
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)
    if shown.startswith("$'") and not name.startswith(b"$'"):
        pasted = subprocess.run(["bash", "-c", f"printf %s {shown}"], capture_output=True)
        assert pasted.stdout == name


@given(st.text(), st.integers(0, 60))
def test_shortened_text_fits(text, room):
    shown = shorten(text, room)
    assert width(shown) <= room
    if width(text) <= room:
        assert shown == text


def test_shortening_keeps_the_name():
    assert shorten("/a/very/long/way/to/go/name.jpg", 20) == "/a/ver…o/go/name.jpg"
    assert shorten("/a/very/long/way/a-longer-name.jpg", 22) == "/a/…/a-longer-name.jpg"
    assert shorten("/写真/東京東京東京東京東京/猫.jpg", 16) == "/写真/…京/猫.jpg"


@given(names)
def test_uri_is_the_path(name):
    uri = file_uri(b"/" + name)
    assert uri.isascii()
    assert " " not in uri
    assert unquote_to_bytes("/" + uri.removeprefix("file://").partition("/")[2]) == b"/" + name
