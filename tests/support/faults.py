"""A service in which something goes wrong on purpose: the real one, with functions replaced."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.user import User

_BEGIN = """
import os, sys, threading, time
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
FAULT = {fault!r}

def faulty():
    return os.path.exists(FAULT)
"""
_END = """
sys.argv = ["csearchd"]
from csearchd.__main__ import main
main()
"""


def fault(user: User) -> Path:
    """While this file is there, `faulty()` is true in the service."""
    return user.home / "fault"


def start_with(user: User, code: str, **options: Any) -> subprocess.Popen[bytes]:
    """Starts the service in a process that has run `code` before.

    `code` may replace functions, but only those that exist: nothing goes wrong on purpose where a
    function has got another name since.
    """
    script = user.home / "faulty.py"
    script.write_text(_BEGIN.format(fault=str(fault(user))) + _checked(code) + _END)
    return user.start(prefix=(sys.executable, "-P", str(script)), **options)


def _checked(code: str) -> str:
    """`code` that reads each attribute before it sets it: AttributeError where there is none."""
    tree = ast.parse(code)
    body: list[ast.stmt] = []
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Attribute):
                    read = ast.Attribute(target.value, target.attr, ast.Load())
                    body.append(ast.Expr(read))
        body.append(statement)
    tree.body = body
    return ast.unparse(ast.fix_missing_locations(tree))


def failures(user: User, name: str) -> int:
    """How often that part of the service has failed, as `csearchctl status --json` says."""
    found = [task for task in user.status()["tasks"] if task["name"] == name]
    return int(found[0]["failures"]) if found else 0
