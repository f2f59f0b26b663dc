"""Commands about models for the clients, which start them as a process, since they import nothing
of the service.

`python -m csearchd.models.manage list` prints one JSON document, {"default": NAME,
"accuracy_source": URI, "models": […]}: the installed models, the starter first, then those that are
recommended and not installed.
`python -m csearchd.models.manage verify` reads every file of every model and prints {"pytorch":
null, or the command that installs it, "models": [{"name": NAME, "wrong": null or TEXT, "needs":
null, or what reading pictures with it needs}]}.
`python -m csearchd.models.manage estimate NAME` prints {"seconds": NUMBER}, about how long this
machine takes to read a picture with the recommended model NAME.
`python -m csearchd.models.manage remove NAME` deletes one; the client must have asked the service
whether it is in use. After an error the exit status is 2, and one line on stderr gives the reason.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from csearch.protocol.quoting import harmless
from csearchd.errors import ModelError
from csearchd.models.catalogue import (
    ACCURACY_SOURCE,
    DEFAULT,
    RECOMMENDED,
    Form,
    Recommendation,
    recommendation,
)
from csearchd.models.installed import (
    STARTER,
    Model,
    installed_models,
    load_model,
    remedy,
    remove_model,
    starter_directory,
    verify_checksums,
)
from csearchd.models.pytorch import can_run_tower, install_command, reading_needs
from csearchd.paths import standard_paths
from csearchd.system import processors

_PRODUCTS = 20  # are timed, of 2 to 20 ms each


def listing(models_dir: str) -> dict[str, Any]:
    """The JSON document of `list`; sizes are in bytes, and what is unknown is left out."""
    installed = installed_models(models_dir)
    names = {model.name for model in installed}
    models = [_installed(model) for model in installed]
    models += [_recommended(entry) for entry in RECOMMENDED if entry.name not in names]
    return {"default": DEFAULT.name, "accuracy_source": ACCURACY_SOURCE, "models": models}


def estimated_seconds(entry: Recommendation) -> float:
    """About how long this machine takes to read a picture with a model, from the speed of a matrix
    product in single precision.

    The image tower in 8 bits is two to four times as fast, which makes up for the reading of the
    file. A GPU isn't thought of.
    """
    # One thread, times the processors: what else runs disturbs it less than it does several. The
    # variable is read when numpy is imported.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import numpy as np

    size = 512
    ones = np.ones((size, size), np.float32)
    fastest = float("inf")
    for _ in range(_PRODUCTS):
        began = time.perf_counter()
        np.dot(ones, ones)
        fastest = min(fastest, time.perf_counter() - began)
    return fastest / (2.0 * size**3) * entry.operations / processors.count()


def verification(models_dir: str) -> dict[str, Any]:
    """The JSON document of `verify`: all models, including those that can't be used."""
    names: list[str] = []
    if os.path.isdir(models_dir):
        with os.scandir(models_dir) as entries:
            names = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    models = [_verified(STARTER, starter_directory())]
    models += [_verified(name, os.path.join(models_dir, name)) for name in names]
    return {"pytorch": None if can_run_tower() else install_command(), "models": models}


def _verified(name: str, directory: str) -> dict[str, Any]:
    """What is wrong with the model in `directory`, and what the user can do; what reading pictures
    with it needs."""
    try:
        model = load_model(directory)
        verify_checksums(model)
    except ModelError as error:
        text, advice = str(error), str(remedy(directory))
        wrong = text if text.endswith(advice) else f"{text}; {advice}"
        return {"name": name, "wrong": wrong, "needs": None}
    needed = reading_needs(model)
    return {"name": name, "wrong": None, "needs": str(needed) if needed else None}


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
        "peak": entry.peak,
        "languages": entry.languages,
        "accuracy": _accuracy(entry),
        "pytorch": entry.form is Form.CHECKPOINT,
        "repository": entry.publication.repository,
        "summary": entry.remark,
        "page": entry.page,
        "installed": False,
        "recommended": entry == DEFAULT,
    }


def _accuracy(entry: Recommendation) -> str:
    named = f"{entry.accuracy:.1%} zero-shot on ImageNet-1k"
    if entry.retrieval is None:
        return named
    return f"{named}, {entry.retrieval:.1%} of COCO's captions find their photo first"


def _size(directory: str) -> int:
    with os.scandir(directory) as entries:
        return sum(entry.stat().st_size for entry in entries if entry.is_file())


def main() -> int:
    models_dir = standard_paths().models
    match sys.argv[1:]:
        case ["list"]:
            print(json.dumps(listing(models_dir)))
        case ["verify"]:
            print(json.dumps(verification(models_dir)))
        case ["estimate", name] if entry := recommendation(name):
            print(json.dumps({"seconds": estimated_seconds(entry)}))
        case ["remove", name]:
            try:
                remove_model(models_dir, name)
            except ModelError as error:
                print(f"csearchctl: {harmless(str(error))}", file=sys.stderr)
                return 2
        case _:
            actions = "list | verify | estimate NAME | remove NAME"
            print(f"usage: python -m csearchd.models.manage {actions}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
