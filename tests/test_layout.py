"""The layout stays one that a newcomer can read: small files, small folders, layers."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).parents[1]
MAX_LINES = 450
MAX_MODULES = 16  # in a folder, __init__.py counted
FOLDERS = ("daemon", "clients", "integrations")


def _modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((PROJECT / folder).rglob("*.py"))]


def test_no_module_is_longer_than_a_few_screens() -> None:
    lines = {
        str(path.relative_to(PROJECT)): len(path.read_text().splitlines())
        for path in _modules(*FOLDERS, "tests")
    }
    assert {path: count for path, count in lines.items() if count > MAX_LINES} == {}


def test_no_folder_holds_more_modules_than_one_can_take_in() -> None:
    counts = Counter(str(path.parent.relative_to(PROJECT)) for path in _modules(*FOLDERS))
    assert {folder: count for folder, count in counts.items() if count > MAX_MODULES} == {}


def test_imports_keep_to_the_layers() -> None:
    """The contracts stand in pyproject.toml."""
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", lint], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
