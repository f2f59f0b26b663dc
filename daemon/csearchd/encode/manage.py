"""What clients ask about models, in a process of its own since they import nothing of the service.

`python -m csearchd.encode.manage list` prints one JSON document, {"default": NAME,
"accuracy_source": URI, "models": […]}: the installed models, the starter first, then those that are
recommended and not installed.
`python -m csearchd.encode.manage remove NAME` deletes one. Ends with 2 after an error, told in one
line. Whether a model is in use only the running service knows: its clients ask it first.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from csearchd.encode.catalogue import (
    ACCURACY_SOURCE,
    DEFAULT,
    RECOMMENDED,
    Recommendation,
    recommendation,
)
from csearchd.encode.models import STARTER, Model, ModelError, installed_models, remove_model
from csearchd.paths import standard_paths


def listing(models_dir: str) -> dict[str, Any]:
    """The JSON document of `list`; sizes in bytes, what isn't known is missing."""
    installed = installed_models(models_dir)
    names = {model.name for model in installed}
    models = [_installed(model) for model in installed]
    models += [_recommended(entry) for entry in RECOMMENDED if entry.name not in names]
    return {"default": DEFAULT.name, "accuracy_source": ACCURACY_SOURCE, "models": models}


def _installed(model: Model) -> dict[str, Any]:
    entry = recommendation(model.name)
    known = _recommended(entry) if entry and entry.weights == model.weights else {}
    return {
        **known,
        "name": model.name,
        "arch": model.arch,
        "weights": model.weights,
        "licence": model.licence,
        "disk": _size(model.directory),
        "installed": True,
        "starter": model.name == STARTER,
    }


def _recommended(entry: Recommendation) -> dict[str, Any]:
    return {
        "name": entry.name,
        "arch": entry.arch,
        "weights": entry.weights,
        "licence": entry.licence,
        "download": entry.download,
        "disk": entry.disk,
        "languages": entry.languages,
        "accuracy": f"{entry.accuracy:.1%} zero-shot on ImageNet-1k",
        "summary": entry.remark,
        "page": entry.page,
        "installed": False,
        "recommended": entry == DEFAULT,
    }


def _size(directory: str) -> int:
    with os.scandir(directory) as entries:
        return sum(entry.stat().st_size for entry in entries if entry.is_file())


def main() -> int:
    models_dir = standard_paths().models
    match sys.argv[1:]:
        case ["list"]:
            print(json.dumps(listing(models_dir)))
        case ["remove", name]:
            try:
                remove_model(models_dir, name)
            except ModelError as error:
                print(f"csearchctl: {error}", file=sys.stderr)
                return 2
        case _:
            print("usage: python -m csearchd.encode.manage list | remove NAME", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
