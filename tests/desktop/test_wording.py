"""What the service says in the window has a translation, whichever sentence it is."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DAEMON = Path(__file__).parents[2] / "daemon" / "csearchd"
WINDOW = Path(__file__).parents[2] / "integrations" / "window"
# What a search goes through, and what stands in its way.
MODULES = (
    "encoder/errors.py", "encoder/opening.py", "encoder/pool.py", "encoder/torch_tower.py",
    "indexing/power_policy.py", "library/database.py", "library/vectors/table.py",
    "models/image_tower.py", "models/installed.py", "models/text_tower.py", "search/filters.py",
    "search/image_query.py", "search/places/geocoder.py", "search/query_language/dates.py",
    "search/query_language/grammar.py", "search/query_language/vector.py",
    "serve/client_paths.py", "serve/handlers/queries.py", "serve/handlers/search.py",
    "serve/handlers/status.py", "system/files.py", "system/resource_limits.py",
    "watch/scanner.py", "watch/watcher.py",
)  # fmt: skip
ERRORS = ("Error", "EncoderUnusable", "_ValueProblem", "Event", "append", "_recover")
NAMES = ("message", "reason", "last_error", "hint", "BATTERY", "LOAD")
# Said to programs that ask wrongly, and about models that are managed, which no window does.
NOT_FOR_PEOPLE = ("bad-request", "ValueError", "AssertionError", "ProtocolError", "LimitError")
MANAGING = ("remove_model", "check_name")
VALUE = "Xy7"


def sentence(node: ast.expr) -> str:
    """What a text may be like; "" if it is none, or nothing but values."""
    if isinstance(node, ast.IfExp):
        return sentence(node.body) or sentence(node.orelse)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if " " in node.value else ""
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else VALUE for part in node.values]
        own = " ".join(str(part) for part in parts if part != VALUE)
        words = [word for word in own.split() if any(map(str.isalpha, word))]
        return "".join(map(str, parts)) if len(words) > 1 else ""
    return ""


def called(node: ast.Call) -> str:
    return str(getattr(node.func, "id", getattr(node.func, "attr", "")))


def sentences(tree: ast.AST) -> Iterator[str]:
    """All that is raised, returned, or kept to be told."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in MANAGING:
            for part in ast.walk(node):
                part.__dict__["managing"] = True
        texts: list[ast.expr] = []
        if getattr(node, "managing", False):
            continue
        if isinstance(node, ast.Call) and called(node).endswith(ERRORS):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            known = [part.value for part in given if isinstance(part, ast.Constant)]
            if called(node) not in NOT_FOR_PEOPLE and "bad-request" not in known:
                texts = given
        elif isinstance(node, ast.Assign):
            target = node.targets[0]
            name = getattr(target, "id", getattr(target, "attr", ""))
            texts = [node.value] if name in NAMES else []
            if isinstance(node.value, ast.Tuple):
                texts = node.value.elts
        elif isinstance(node, ast.Return) and node.value:
            texts = [node.value]
        yield from filter(None, map(sentence, texts))


def translated(texts: list[str], language: str = "de") -> list[str]:
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); from wording import sentence\n"
        "print(json.dumps([sentence(text) for text in json.load(sys.stdin)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(WINDOW)],
        input=json.dumps(texts),
        env={**os.environ, "LANGUAGE": language, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("module", MODULES)
def test_every_sentence_of_the_service_is_translated(module: str) -> None:
    found = [*dict.fromkeys(sentences(ast.parse((DAEMON / module).read_text())))]
    assert found, "it says nothing any more: leave it out here"
    in_german = translated(found)
    lacking = [text for text, german in zip(found, in_german, strict=True) if text == german]
    assert not lacking, "integrations/window/wording.py has none of these"


@pytest.mark.parametrize(
    ("text", "german"),
    [
        ('this " is not closed', 'Zu diesem " fehlt das zweite.'),
        (
            "there is no filter colour: (did you mean folder:); as text it needs quotes",
            "Einen Filter colour: gibt es nicht (ist folder: gemeint?); als Text braucht es "
            "Anführungszeichen.",
        ),
        ("date: there is no 2023-02-31", "date: 2023-02-31 gibt es nicht"),
        ("/a: b/c.jpg: is not a regular file", "/a: b/c.jpg: ist keine gewöhnliche Datei"),
        ("/a/b.jpg: Permission denied", "/a/b.jpg: Keine Berechtigung"),
        (
            "/a/b.jpg: cannot be looked at: the encoder ended (exit status 1) before it began with "
            "a picture",
            "/a/b.jpg: kann nicht angesehen werden: der Bildleser endete (Status 1), bevor er "
            "mit einem Bild begann",
        ),
        (
            "near: no city 'Lisbom' is known; did you mean Lisbon?",
            "near: eine Stadt 'Lisbom' ist nicht bekannt; ist Lisbon gemeint?",
        ),
        ("something else: it is {odd}", "something else: it is {odd}"),
    ],
)
def test_sentences_are_found_in_what_the_service_says(text: str, german: str) -> None:
    assert translated([text]) == [german]


def test_where_there_is_no_translation_the_sentence_stays() -> None:
    texts = ["there is no filter x: (did you mean iso:); as text it needs quotes", "/a b: is empty"]
    english = translated(texts, "en")
    assert english[0].removesuffix(".").lower() == texts[0]
    assert english[1] == texts[1]
