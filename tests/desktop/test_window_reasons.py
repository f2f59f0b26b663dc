"""The window translates what the service says: by its code, whichever sentence it is."""

from __future__ import annotations

import errno
import gettext
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from string import Formatter

import pytest

from csearchd import reasons
from csearchd.reasons import PATH, Reason, Template, pictures, query
from csearchd.reasons.service import UNMOUNTED

INTEGRATIONS = Path(__file__).parents[2] / "integrations"
_RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
from bus import reasons
asked = json.load(sys.stdin)
print(json.dumps([reasons.sentence(one) for one in asked] if asked else reasons.TEMPLATES))
"""


def window(asked: list[Reason], language: str = "en") -> list[str]:
    """What the window makes of reasons."""
    found: list[str] = run([reason.to_message() for reason in asked], language)
    return found


def table() -> dict[str, str]:
    """The window's sentences by their codes."""
    found: dict[str, str] = run([], "en")
    return found


def run(asked: object, language: str) -> object:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, INTEGRATIONS / "window"],
        input=json.dumps(asked, default=os.fsdecode),
        env={**os.environ, "LANGUAGE": language, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def said_by_the_service() -> dict[str, Template]:
    """What a search may be answered with, by code; what commands are told is for no window."""
    names = {module.name for module in pkgutil.iter_modules(reasons.__path__)} - {"commands"}
    modules = [importlib.import_module(f"csearchd.reasons.{name}") for name in sorted(names)]
    found = [value for module in (reasons, *modules) for value in vars(module).values()]
    return {template.code: template for template in found if isinstance(template, Template)}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_the_window_has_every_sentence_of_the_service() -> None:
    """Word for word: a translation of another sentence would be wrong."""

    def without_formats(text: str) -> str:
        return re.sub(r"\{(\w+):\w*,?\}", r"{\1}", re.sub(r"\{(\w+)!r\}", r"'{\1}'", text))

    ours = {code: without_formats(one.english) for code, one in said_by_the_service().items()}
    theirs = table()
    lacking = {code: text for code, text in ours.items() if theirs.get(code) != text}
    assert not lacking, "integrations/window/bus/templates.py has none of these"
    assert theirs.keys() - ours.keys() <= set(errno.errorcode.values())


def test_every_sentence_of_the_window_is_translated() -> None:
    german = gettext.translation("csearch", INTEGRATIONS / "locale", ["de"])
    for code, text in table().items():
        if re.search(r"[a-z]{2}", re.sub(r"\{\w+\}", "", text)):
            assert german.gettext(text) != text, code
        assert fields(german.gettext(text)) == fields(text), code


@pytest.mark.parametrize(
    ("reason", "german"),
    [
        (query.UNCLOSED_QUOTE(), 'Zu diesem " fehlt das zweite.'),
        (
            query.MISSPELT_FILTER(name="colour", similar="folder"),
            "Einen Filter colour: gibt es nicht (ist folder: gemeint?); als Text braucht es "
            "Anführungszeichen.",
        ),
        (
            query.WRONG_VALUE(name="date", reason=query.NO_SUCH_DATE(text="2023-02-31")),
            "date: 2023-02-31 gibt es nicht",
        ),
        (
            PATH(path=b"/a: b/\xffc.jpg", reason=pictures.NOT_REGULAR()),
            "/a: b/\udcffc.jpg: ist keine gewöhnliche Datei",
        ),
        (
            PATH(path="/a/b.jpg", reason=reasons.from_system(OSError(13, "Permission denied"))),
            "/a/b.jpg: Keine Berechtigung",
        ),
        (
            PATH(
                path="/a/b.jpg",
                reason=pictures.NOT_SEEN(
                    reason=pictures.ENDED_BEFORE_READING(ending=pictures.EXIT_STATUS(status=1))
                ),
            ),
            "/a/b.jpg: kann nicht angesehen werden: das Programm, das Bilder liest, endete "
            "(Status 1), bevor es anfing",
        ),
        (
            query.WRONG_VALUE(
                name="near", reason=query.MISSPELT_CITY(name="Lisbom", similar="Lisbon")
            ),
            "near: ein Ort „Lisbom“ ist nicht bekannt; ist Lisbon gemeint?",
        ),
        (
            UNMOUNTED(count=12345),
            "Bilder auf einem Datenträger, der nicht eingehängt ist, warten auf ihn: 12\u2009345.",
        ),
        (
            pictures.TOO_SLOW(seconds=60.0),
            "Braucht zum Lesen länger als 60 s (encode.max_seconds in der Konfiguration).",
        ),
    ],
)
def test_reasons_are_shown_in_the_users_language(reason: Reason, german: str) -> None:
    assert window([reason], "de") == [german]


def test_where_there_is_no_translation_the_service_is_quoted() -> None:
    unknown = Reason("not-yet-thought-of", "it has come to this", {"n": 1})
    other = Reason("unclosed-quote", "an older service said this", {})
    changed = Reason("too-many-dates", "more than 9 dates in all", {"most": 9})
    asked = [unknown, PATH(path="/a", reason=unknown), other, changed]
    assert window(asked, "de") == [
        "it has come to this",
        "/a: it has come to this",
        'Zu diesem " fehlt das zweite.',
        "More than 9 dates in all.",
    ]
    english = query.MISSPELT_FILTER(name="x", similar="iso")
    assert window([english]) == [f"{english.text[0].upper()}{english.text[1:]}."]
