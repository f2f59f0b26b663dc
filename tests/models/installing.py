"""A user who installs models, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

CLOSED = "http://127.0.0.1:9"  # nothing listens there
Command = subprocess.Popen[str]


@dataclass
class Home:
    """Directories of one user, and the command run there."""

    path: str

    @property
    def models(self) -> str:
        return os.path.join(self.path, "data", "csearch", "models")

    @property
    def downloads(self) -> str:
        return os.path.join(self.path, "cache", "csearch", "downloads")

    def environment(self, hub: str = CLOSED, **more: str) -> dict[str, str]:
        foreign = ("HF_", "HUGGING_FACE_")
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(foreign) and not key.lower().endswith("_proxy")
        }
        return {
            **kept,
            "HF_HOME": os.path.join(self.path, "huggingface"),
            "XDG_DATA_HOME": os.path.join(self.path, "data"),
            "XDG_CACHE_HOME": os.path.join(self.path, "cache"),
            "HF_ENDPOINT": hub,
            **more,
        }

    def start(self, *arguments: str, hub: str = CLOSED, program: str = "", **more: str) -> Command:
        """Starts the installer, or `program`; `more` is its environment besides."""
        how = ["-c", program] if program else ["-m", "csearchd.models.install"]
        return subprocess.Popen(
            [sys.executable, *how, *arguments],
            env=self.environment(hub, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def install(
        self, *arguments: str, hub: str = CLOSED, program: str = "", **more: str
    ) -> tuple[int, str, str]:
        process = self.start(*arguments, hub=hub, program=program, **more)
        out, err = process.communicate(timeout=280)
        return process.returncode, out, err

    def left(self) -> list[str]:
        """What is below the models' directory."""
        return sorted(os.listdir(self.models)) if os.path.isdir(self.models) else []


def assert_one_error(result: tuple[int, str, str], *words: str, progress: bool = False) -> None:
    """The command failed with one line that says these words (after lines of progress)."""
    code, out, err = result
    assert code == 2, err
    assert out == ""
    *before, last = err.splitlines()
    assert progress or not before, err
    assert "Traceback" not in err
    assert last.startswith("csearchctl: ")
    for word in words:
        assert word in last
