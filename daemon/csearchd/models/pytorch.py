"""Whether PyTorch is installed, which only some models need, and the command that installs it.

The packages that need it are the extra `torch` in pyproject.toml. Nothing here imports them: the
service must not, and it would take seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.util import find_spec

from csearch.protocol import origin
from csearchd.models.installed import IMAGE_TOWER, Model, remedy
from csearchd.reasons import Reason
from csearchd.reasons import models as reasons

_TOWER = ("torch", "torchvision", "open_clip")  # what runs an image tower
_CONVERSION = (*_TOWER, "onnx", "onnxscript")  # what makes a model of a checkpoint


def can_run_tower() -> bool:
    """Whether PyTorch and open_clip are installed."""
    return not _missing(_TOWER)


def reading_needs(model: Model) -> Reason | None:
    """Why pictures can't be read with `model`: it has no exported image tower, and PyTorch isn't
    installed. None if they can."""
    if os.path.exists(model.path(IMAGE_TOWER)) or can_run_tower():
        return None
    if IMAGE_TOWER in model.checksums:
        return reasons.MISSING(path=model.path(IMAGE_TOWER), remedy=remedy(model.directory))
    return reasons.NEEDS_TORCH(name=model.name, command=install_command())


def conversion_needs() -> str | None:
    """What must be installed to make a model of a checkpoint, and how; None if nothing is
    missing."""
    missing = _missing(_CONVERSION)
    if not missing:
        return None
    return (
        "to make a model of a checkpoint, csearch needs PyTorch "
        f"({', '.join(missing)} can't be found): {install_command()}"
    )


def install_command() -> str:
    """A command for a shell that installs the extra `torch` where csearch runs."""
    return origin.install_command("torch")


def _missing(packages: Iterable[str]) -> list[str]:
    return [package for package in packages if not find_spec(package)]
