"""Python, the packages and the models."""

from __future__ import annotations

import platform
import re
from importlib import metadata

from csearch import __version__
from csearch.control.checks import FAIL, OK, WARN, Finding, Findings
from csearch.errors import ClientError
from csearch.models import catalogue

_OLDEST_PYTHON = (3, 11)
_REINSTALL = "pip install csearch in a fresh virtual environment brings all that is needed"


def findings() -> Findings:
    yield _python()
    yield _packages()
    yield _torch()
    yield _models()


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
        return Finding(WARN, "packages", "csearch runs from its sources", _REINSTALL)
    names = [re.split(r"[^\w.-]", line)[0] for line in requirements if "extra ==" not in line]
    missing = [name for name in names if _version(name) is None]
    if missing:
        return Finding(FAIL, "packages", f"missing: {', '.join(missing)}", _REINSTALL)
    return Finding(OK, "packages", f"all {len(names)} that csearch needs")


def _torch() -> Finding:
    torch, vision = _version("torch"), _version("torchvision")
    open_clip = _version("open-clip-torch")
    if torch is None or vision is None or open_clip is None:
        return Finding(FAIL, "torch", "torch, torchvision or open_clip is missing", _REINSTALL)
    text = f"torch {torch}, torchvision {vision}, open_clip {open_clip}"
    # "+cpu" or "+cu126": builds from different indexes fail when they are imported together.
    if torch.partition("+")[2] != vision.partition("+")[2]:
        advice = "install torch and torchvision again, both from the same index"
        return Finding(FAIL, "torch", f"{text}: builds that do not fit together", advice)
    return Finding(OK, "torch", text)


def _models() -> Finding:
    try:
        installed = [model["name"] for model in catalogue()["models"] if model.get("installed")]
    except ClientError as error:
        return Finding(FAIL, "models", str(error), _REINSTALL)
    if not installed:
        return Finding(FAIL, "models", "none, not even the starter model", _REINSTALL)
    return Finding(OK, "models", ", ".join(installed))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
