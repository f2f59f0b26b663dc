"""The exceptions of the daemon: in one place, each with its meaning, and no text without a code
where a window shows it."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from csearchd import errors
from csearchd.errors import CsearchError, FatalError

DAEMON = Path(errors.__file__).parent


def exceptions(tree: ast.Module) -> set[str]:
    """The names of the exceptions that a module defines, but for its own."""
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and any(ast.unparse(base).endswith(("Error", "Exception")) for base in node.bases)
    }


def test_exceptions_are_defined_in_one_place() -> None:
    found = {
        f"{path.relative_to(DAEMON)}: {name}"
        for path in DAEMON.rglob("*.py")
        if path != DAEMON / "errors.py"
        for name in exceptions(ast.parse(path.read_text()))
    }
    assert found == set()


def test_each_says_what_it_means() -> None:
    classes = [
        one
        for _, one in inspect.getmembers(errors, inspect.isclass)
        if one.__module__ == errors.__name__
    ]
    assert len(classes) > 20
    for one in classes:
        assert one.__doc__ and one.__doc__.split("\n")[0][0].isupper(), one
        assert issubclass(one, Exception)
        if issubclass(one, FatalError):
            assert issubclass(one, CsearchError) and one.exit_code == 1
