"""Filters of a few files: what all are asked for tells the same of these."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csearchd.library.library import Library
from csearchd.search import filters
from csearchd.search.places import table
from csearchd.search.places.geocoder import Geocoder
from csearchd.search.query_language import grammar
from support.album import write_album
from support.user import User

FILTERS = (
    "after:2023-05", "on:2023", "date:2020..2021-12", "near:Lisbon", "near:Italy", "near:Portugal",
    "camera:nikon", "lens:50mm", "iso:>800", "iso:100..800", "rating:>=4", "size:>1MP",
    "tag:beach", "tag:be*", "tag:nowhere", "person:a*", "title:a", "description:a", "name:IMG",
    "name:*o*", "name:ä", "folder:sub", "folder:pictures", "folder:*", "type:jpeg", "type:png",
    "orientation:landscape", "text:word", "text:nothing",
)  # fmt: skip
UNKNOWN = 10**6  # the id of no file


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Of an album, and some words in one of its pictures."""
    with User(tmp_path_factory.mktemp("a")) as someone:
        write_album(someone.pictures)
        write_album(someone.pictures / "sub")
        next((someone.pictures / "sub").rglob("*.jpg")).rename(someone.pictures / "Ä.jpg")
        someone.search("x", "--in", someone.pictures)
        someone.csearchctl("stop")
        opened = Library(str(someone.data / "library.sqlite"))
        with opened.write() as database:
            database.execute("DELETE FROM texts")
            database.execute(
                "INSERT INTO texts (content, state, words) VALUES (1, 1, 'some words')"
            )
        yield opened
        opened.close()


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_they_tell_the_same_as_filters_of_all(library: Library, data: st.DataObject) -> None:
    written = data.draw(st.lists(st.sampled_from(FILTERS), min_size=1, max_size=3))
    query = " ".join(data.draw(st.sampled_from(("", "not:"))) + one for one in written)
    parsed = grammar.parse(query).filters
    conditions = filters.understand(parsed, datetime.now(), Geocoder(table.DIRECTORY))
    known = np.flatnonzero(library.catalogue.state).tolist()
    chosen = data.draw(st.lists(st.sampled_from([*known, UNKNOWN]), unique=True, max_size=8))
    among = np.array(chosen, np.int64)
    every = filters.chosen(library, conditions, UNKNOWN + 1)
    assert filters.chosen_among(library, conditions, among).tolist() == every[among].tolist(), query
