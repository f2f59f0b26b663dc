"""Lists every message that a user can meet, from the source.

    python tests/messages.py [PART OF A PATH…]

prints the file and line of each, and its text with the expressions in it, as in
`clients/csearch/launch.py:91  {printable(self.log)}: cannot be written`. Read them as a stranger
would: what happened, to which file, what to do? tests/test_messages.py checks what can be checked
mechanically.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SOURCES = ("clients/csearch", "daemon/csearchd", "integrations/window", "integrations/nautilus")
# What says something to users: functions, and errors whose text is printed. The first of several
# arguments may be a code.
_SAYING = {
    "print_err", "print_out", "_fail", "error", "Template", "Finding", "N_", "_", "ngettext",
    "print",
}  # fmt: skip
_ERROR = re.compile(r"(Error|Unanswered|NotRunning|NotAnswering|Unusable)$")
_INTERNAL = ("ValueError", "TypeError", "KeyError", "RuntimeError", "AssertionError", "OSError")


class Message(NamedTuple):
    """Where a message is in the source, and its text, with `{…}` for what is filled in."""

    file: str
    line: int
    text: str
    advised: bool = False  # advice stands beside it

    @property
    def own_words(self) -> list[str]:
        """The words that stand in the source."""
        return re.findall(r"[A-Za-z]{2,}", re.sub(r"\{[^{}]*\}", " ", self.text))

    @property
    def parts(self) -> list[str]:
        """The expressions that are filled in."""
        return re.findall(r"\{([^{}]*)\}", self.text)


def messages() -> Iterator[Message]:
    """All messages, by file and line."""
    for source in SOURCES:
        for path in sorted((ROOT / source).rglob("*.py")):
            tree = ast.parse(path.read_text())
            file = str(path.relative_to(ROOT))
            found = [one for call in ast.walk(tree) for one in _said(file, call)]
            yield from sorted(set(found), key=lambda one: one.line)


def _said(file: str, node: ast.AST) -> Iterator[Message]:
    if not isinstance(node, ast.Call):
        return
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name not in _SAYING and not (_ERROR.search(name) and name not in _INTERNAL):
        return
    texts = [text for argument in node.args if (text := _text(argument))]
    sentences = [text for text in texts if " " in text or "{" in text]
    for number, text in enumerate(sentences):
        yield Message(file, node.lineno, text, name == "Finding" and number + 1 < len(sentences))


def _text(node: ast.expr) -> str:
    """The text of a literal, with the expressions in it; "" if it isn't one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            f"{{{ast.unparse(part.value)}{'!r' if part.conversion == ord('r') else ''}}}"
            if isinstance(part, ast.FormattedValue)
            else str(getattr(part, "value", ""))
            for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    if isinstance(node, ast.IfExp):
        return f"{_text(node.body)} | {_text(node.orelse)}"
    return ""


def main() -> None:
    for message in messages():
        if not sys.argv[1:] or any(part in message.file for part in sys.argv[1:]):
            print(f"{message.file}:{message.line}  {message.text}")


if __name__ == "__main__":
    main()
