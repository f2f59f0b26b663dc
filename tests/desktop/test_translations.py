"""The catalogues: complete, up to date with the code, and compiled."""

from __future__ import annotations

import gettext
import os
import shutil
import subprocess
from pathlib import Path

import pytest

INTEGRATIONS = Path(__file__).parents[2] / "integrations"
TOOLS = ("xgettext", "msgmerge", "msgfmt", "msgcat", "msgunfmt")

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)),
    reason="needs gettext (apt install)",
)


def test_the_catalogues_are_what_the_code_needs(tmp_path: Path) -> None:
    copy = tmp_path / "integrations"
    shutil.copytree(INTEGRATIONS, copy)
    subprocess.run([copy / "po" / "update.sh"], check=True)
    for name in ("po/csearch.pot", "po/de.po", "locale/de/LC_MESSAGES/csearch.mo"):
        assert messages(copy / name) == messages(INTEGRATIONS / name), (
            f"integrations/po/update.sh brings {name} up to date"
        )


def messages(catalogue: Path) -> str:
    """What a catalogue holds; versions of gettext break lines in different places."""
    reader = "msgunfmt" if catalogue.suffix == ".mo" else "msgcat"
    command = [reader, "--no-wrap", "--sort-output", str(catalogue)]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def test_german_is_complete() -> None:
    command = ["msgfmt", "--statistics", "-o", os.devnull, str(INTEGRATIONS / "po" / "de.po")]
    environment = {**os.environ, "LC_ALL": "C"}
    told = subprocess.run(command, capture_output=True, text=True, env=environment).stderr
    assert "untranslated" not in told and "fuzzy" not in told, told
    german = gettext.translation("csearch", INTEGRATIONS / "locale", ["de"])
    assert german.gettext("Find Similar Images") == "Ähnliche Bilder suchen"
    text = german.ngettext("{n} more is still to be looked at.", "", 5)
    assert text == "{n} weitere sind noch anzusehen."
