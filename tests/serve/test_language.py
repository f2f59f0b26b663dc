"""A model that must know a query's language: it is the client's, or else the service's."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from csearchd.models import installed
from csearchd.models.tokenization.prepare import prepare_tokenizer
from models.tiny_model import make_tiny_model
from support import vocabularies
from support.photos import write_drawn
from support.user import User, wait_for

LANGUAGES = ("deu_Latn", "eng_Latn", "fra_Latn")


def make_multilingual_model(directory: Path, published: Path) -> None:
    """A tiny model with a tokenizer of NLLB's form."""
    make_tiny_model(str(directory))
    vocabulary = vocabularies.train("bpe", 1500)
    vocabularies.publish(vocabularies.nllb(vocabulary, LANGUAGES), published)
    made = prepare_tokenizer(str(published), str(directory), {"hf_tokenizer_name": "nllb"})
    model = installed.load_model(str(directory))
    sums = {name: installed.file_checksum(model.path(name)) for name in model.checksums}
    installed.write_description(
        replace(
            model,
            checksums=sums,
            tokenizer=made.tokenizer,
            cleaning=made.cleaning,
            pad_token=made.pad_token,
        )
    )


def score(user: User, *arguments: str, **locale: str) -> Any:
    """The score of the first picture for a query, asked for in an environment with `locale`."""
    before = dict(user.environment)
    user.environment.update(locale)
    try:
        lines = user.csearch("ein Hund", "--json", "--in", user.pictures, *arguments).stdout
    finally:
        user.environment = before
    found = map(json.loads, lines.splitlines())
    return next(hit["score"] for hit in sorted(found, key=lambda hit: str(hit["path"])))


def test_the_language_of_a_query(user: User, tmp_path: Path) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        user.environment.pop(name, None)
    make_multilingual_model(user.data / "models" / "tiny", tmp_path / "published")
    write_drawn(user.pictures, 3)
    user.start(environment={"LANG": "fr_FR.UTF-8"})
    user.csearchctl("model", "use", "tiny")
    user.search("anything", "--in", user.pictures)
    wait_for(lambda: user.status()["model"] == "tiny", "the new model")

    german, english, french = (score(user, "--lang", code) for code in ("de", "en", "fr"))
    assert len({german, english, french}) == 3
    assert score(user, LANG="de_AT.UTF-8") == german
    assert score(user, LC_ALL="en_GB.UTF-8", LANG="de_AT.UTF-8") == english
    assert score(user, "--lang", "deu_Latn", LANG="en_GB.UTF-8") == german
    assert score(user) == french  # the service's
    assert score(user, LANG="de_\udcff") == french
    assert score(user, "--lang", "tlh") == score(user, LANG="C") == english


@pytest.mark.parametrize("language", ["", "-", "日本語", os.fsdecode(b"de\xff"), "x" * 65])
def test_what_is_no_language_is_refused(user: User, language: str) -> None:
    said = user.csearch("dog", f"--lang={language}", check=2).stderr.decode()
    assert "must be a language such as de" in said
