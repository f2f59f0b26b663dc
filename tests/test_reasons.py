"""The daemon's sentences: each has a code of its own, and gets a parameter for each field."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from csearchd import reasons
from csearchd.reasons import Reason, Template, from_system
from csearchd.reasons.pictures import NOT_SEEN
from csearchd.reasons.query import MISSPELT_CITY

DAEMON = Path(reasons.__file__).parents[1]


def catalogues() -> list[ModuleType]:
    names = [module.name for module in pkgutil.iter_modules(reasons.__path__)]
    return [reasons, *(importlib.import_module(f"csearchd.reasons.{name}") for name in names)]


def templates() -> dict[tuple[str, str], Template]:
    """By module and name."""
    return {
        (module.__name__, name): value
        for module in catalogues()
        for name, value in vars(module).items()
        if isinstance(value, Template)
    }


def uses(tree: ast.Module) -> Iterator[tuple[Template, ast.AST]]:
    """The templates that a module names, and the nodes that do."""
    known = templates()
    modules: dict[str, str] = {}
    constants: dict[str, Template] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not str(node.module).startswith("csearchd."):
            continue
        for one in node.names:
            if template := known.get((str(node.module), one.name)):
                constants[one.asname or one.name] = template
            modules[one.asname or one.name] = f"{node.module}.{one.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in constants:
            yield constants[node.id], node
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            template = known.get((modules.get(node.value.id, ""), node.attr))
            if template:
                yield template, node


def modules() -> list[Path]:
    return [path for path in DAEMON.rglob("*.py") if path.parent.name != "reasons"]


def test_codes_are_unique_and_of_one_form() -> None:
    codes = Counter(template.code for template in templates().values())
    assert [code for code, times in codes.items() if times > 1] == []
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(-[a-z]+)*", code)] == []


def test_every_sentence_gets_the_parameters_that_it_has_fields_for() -> None:
    wrong = []
    for path in modules():
        tree = ast.parse(path.read_text())
        nodes = {id(node): template for template, node in uses(tree)}
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and (template := nodes.get(id(call.func))):
                given = {keyword.arg for keyword in call.keywords}
                if call.args or given != template.fields:
                    wrong.append(f"{path}:{call.lineno}: {template.code}")
    assert wrong == []


def test_every_sentence_is_used() -> None:
    used = {
        template.code for path in modules() for template, _ in uses(ast.parse(path.read_text()))
    }
    used |= {reasons.OTHER.code}
    assert {template.code for template in templates().values()} - used == set()


def test_a_reason_survives_the_way_to_another_process() -> None:
    said = NOT_SEEN(
        reason=reasons.PATH(path="/a/\udcff", reason=MISSPELT_CITY(name="B", similar="C"))
    )
    assert said.text == "cannot be looked at: /a/\udcff: no place 'B' is known; did you mean C?"
    assert said.parameters["reason"].parameters["path"] == b"/a/\xff"  # type: ignore[union-attr]
    assert Reason.from_message(said.to_message()) == said


@pytest.mark.parametrize("number", [2, 13, 28])
def test_reasons_of_the_system_have_its_codes(number: int) -> None:
    reason = from_system(OSError(number, os.strerror(number)))
    assert reason.code in ("ENOENT", "EACCES", "ENOSPC")
    assert reason.text.startswith(f"{os.strerror(number)}; "), "and what to do"
    bare = from_system(OSError(number, os.strerror(number)), advised=False)
    assert bare.text == os.strerror(number)


@pytest.mark.parametrize("text", ["it was lost", '"x"', "[1]", "{}", "1"])
def test_what_an_older_version_wrote_is_told_as_it_is(text: str) -> None:
    assert Reason.from_json(text).text == text
