"""Keywords as programs write them, and which of them are theirs."""

from __future__ import annotations

import pytest

from csearchd.metadata.iptc import from_iptc
from csearchd.metadata.record import merged
from csearchd.metadata.texts.keywords import keywords


@pytest.mark.parametrize(
    ("lists", "found"),
    [
        ([(["a", "b"], None)], ["a", "b"]),
        ([(["Orte|Rom"], "|")], ["Orte/Rom", "Rom"]),
        ([(["darktable|exported"], "|"), (["exported", "darktable", "beach"], None)], ["beach"]),
        ([(["darktable|format|jpg", "format"], "|"), (["jpg"], None)], ["format"]),
        (
            [(["darktable|format|jpg", "format|x"], "|"), (["format", "jpg"], None)],
            ["format/x", "x", "format"],
        ),
        ([(["darktable|changed"], None)], []),
        ([(["darktable/style/vivid"], "/")], []),
        ([(["darktable"], None)], ["darktable"]),
        ([(["_Digikam_Internal_Tags_/Color Label None"], "/")], []),
        ([(["_Digikam_root_tag_/People/Anna"], "/")], ["People/Anna", "Anna"]),
        ([(['12" vinyl', "a/b"], None)], ['12" vinyl', "a/b"]),
        ([(["Mo\u0308we", "  ", ""], None)], ["Möwe"]),
    ],
)
def test_lists(lists: list[tuple[list[str], str | None]], found: list[str]) -> None:
    assert keywords(*lists) == found


def test_each_level_of_a_long_path_is_kept() -> None:
    path = "/".join("abcdefghij")
    assert keywords(([path], "/")) == [path, "j"]


def test_both_forms_of_a_letter_are_one_keyword() -> None:
    found = merged({"keywords": ["Möwe"]}, {"keywords": ["MO\u0308WE", "x"]})
    assert found["keywords"] == ["Möwe", "x"]


@pytest.mark.parametrize(
    ("words", "encoding"),
    [(["Möwe", "Küste"], "latin-1"), (["海边", "北京的春天"], "gbk"),
     (["東京タワー", "猫"], "cp932"), (["Möwe", "海边"], "utf-8")],
)  # fmt: skip
@pytest.mark.parametrize("declared", [b"", b"\x1c\x01\x5a\0\3\x1b%G"])
def test_iptc_in_any_character_set(words: list[str], encoding: str, declared: bytes) -> None:
    block = declared
    for word in words:
        value = word.encode(encoding)
        block += b"\x1c\x02\x19" + len(value).to_bytes(2, "big") + value
    assert from_iptc(block)["keywords"] == words
