"""Checks Python, the packages and the models."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from importlib.util import find_spec
from typing import Any

from csearch import __version__
from csearch.control.checks import FAIL, OK, WARN, Finding, Findings
from csearch.models import verify
from csearch.protocol.errors import ClientError
from csearch.protocol.origin import install_command
from csearch.protocol.quoting import printable

_OLDEST_PYTHON = (3, 11)


def findings() -> Findings:
    yield _python()
    yield _packages()
    try:
        verified = verify()
    except ClientError as error:
        yield Finding(FAIL, "models", str(error), install_command())
        return
    yield _torch(verified["pytorch"])
    yield from _models(verified["models"])


def _python() -> Finding:
    version = platform.python_version()
    if tuple(map(int, platform.python_version_tuple()[:2])) < _OLDEST_PYTHON:
        return Finding(
            FAIL, "python", f"{version} is too old", "csearch needs Python 3.11 or newer"
        )
    return Finding(OK, "python", f"{version}, csearch {__version__}")


def _packages() -> Finding:
    try:
        requirements = metadata.requires("csearch") or []
    except metadata.PackageNotFoundError:
        return Finding(WARN, "packages", "csearch runs from its sources", install_command())
    names = [re.split(r"[^\w.-]", line)[0] for line in requirements if "extra ==" not in line]
    missing = [name for name in names if _version(name) is None and not _replaced(name)]
    if missing:
        return Finding(FAIL, "packages", f"missing: {', '.join(missing)}", install_command())
    return Finding(OK, "packages", f"all {len(names)} that csearch needs")


def _torch(command: str | None) -> Finding:
    """`command`: installs PyTorch, which isn't there."""
    if command:
        needing = "models from checkpoints, and PyTorch on a GPU, need it"
        return Finding(OK, "torch", f"not installed; {needing}: {command}")
    torch, vision = _version("torch"), _version("torchvision")
    open_clip = _version("open-clip-torch")
    text = f"torch {torch}, torchvision {vision}, open_clip {open_clip}"
    # "+cpu" or "+cu126": builds from different indexes fail when they are imported together.
    if (torch or "").partition("+")[2] != (vision or "").partition("+")[2]:
        advice = "install torch and torchvision again, both from the same index"
        return Finding(FAIL, "torch", f"{text}: builds that do not fit together", advice)
    return Finding(OK, "torch", text)


def _models(models: list[dict[str, Any]]) -> Findings:
    for model in models:
        if model["wrong"]:
            text, _, advice = model["wrong"].rpartition("; ")
            yield Finding(FAIL, "models", text, advice)
        if model["needs"]:
            yield Finding(WARN, "models", model["needs"])
    if sound := [printable(os.fsencode(model["name"])) for model in models if not model["wrong"]]:
        yield Finding(OK, "models", f"{', '.join(sound)}: all files as they were installed")


def _replaced(name: str) -> bool:
    """Whether a package has taken the place of the package `name`, as onnxruntime-gpu does."""
    return name == "onnxruntime" and find_spec(name) is not None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
