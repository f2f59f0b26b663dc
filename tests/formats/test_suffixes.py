"""Names of pictures."""

from __future__ import annotations

import os

from csearch.search.pictures import SUFFIXES
from csearchd.formats.suffixes import families, is_raw
from csearchd.watch.rules import Rules

COMMON = (
    "mpo", "heics", "avifs", "jpe", "pjpeg", "insp", "pef", "nrw", "srw", "crw", "3fr", "iiq",
    "erf", "mrw", "x3f", "rwl", "sr2", "dcr", "kdc", "gpr", "jpc", "dib",
)  # fmt: skip


def test_what_people_have_is_read() -> None:
    rules = Rules(False, ())
    for name in COMMON:
        assert rules.takes(f"IMG_1.{name.upper()}".encode())
    assert is_raw(b"a.PEF") and is_raw(b"a.3fr") and not is_raw(b"a.mpo")


def test_the_client_knows_the_same_suffixes() -> None:
    assert {os.fsencode(suffix) for suffix in SUFFIXES} == {*families(), b".jxl"}
