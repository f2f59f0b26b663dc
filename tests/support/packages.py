"""Installed packages that a user's programs don't find, as if they weren't installed."""

from __future__ import annotations

import os

from support.user import User

TORCH = ("torch", "torchvision", "open_clip", "onnx", "onnxscript")
"""What the extra `torch` brings."""


def hide(user: User, names: tuple[str, ...]) -> None:
    """Hides packages from the programs that the user starts from now on; `()` hides none."""
    directory = user.home / "hiding"
    directory.mkdir(exist_ok=True)
    lines = [f"sys.modules[{name!r}] = None" for name in names]
    # Python imports this module at its start.
    (directory / "sitecustomize.py").write_text("\n".join(["import sys", *lines, ""]))
    old = user.environment.get("PYTHONPATH", "").split(os.pathsep)
    path = [str(directory), *(part for part in old if part not in ("", str(directory)))]
    user.environment["PYTHONPATH"] = os.pathsep.join(path)
