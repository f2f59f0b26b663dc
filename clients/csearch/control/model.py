"""csearchctl model: lists, installs, imports, chooses and removes models."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import Any

from csearch.arguments import add_action
from csearch.command import print_out
from csearch.connection import Connection
from csearch.models import catalogue, install, remove
from csearch.protocol.errors import ClientError, NotRunning
from csearch.protocol.quoting import harmless, printable
from csearch.protocol.wire import Message
from csearch.show.numbers import count, size
from csearch.show.terminal import Terminal

EXAMPLES = """
csearchctl model list
csearchctl model install ViT-B-32-SigLIP2-256    download a recommended model
csearchctl model use ViT-B-32-SigLIP2-256        read all pictures with it, then search with it
csearchctl model import --arch ViT-B-32 --weights ~/checkpoint.pt --name mine
csearchctl model import visual.onnx textual.onnx --name mine
csearchctl model remove ViT-B-32-SigLIP2-256
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    actions = options.add_subparsers(dest="action", required=True, metavar="ACTION")
    add_action(actions, EXAMPLES, "list", "show the installed and the recommended models")
    add_action(actions, EXAMPLES, "install", "download a model and prepare it").add_argument(
        "name", metavar="NAME"
    )
    imported = add_action(actions, EXAMPLES, "import", "make a model from files on this machine")
    imported.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="a directory as immich-app publishes them, or the ONNX files of the image tower and"
        " the text tower",
    )
    imported.add_argument("--arch", help="the architecture of a checkpoint in open_clip")
    imported.add_argument(
        "--config",
        metavar="FILE",
        help="open_clip's configuration of an architecture that it doesn't carry, as JSON",
    )
    imported.add_argument("--weights", metavar="FILE", help="the checkpoint: .safetensors or .pt")
    imported.add_argument("--name", help="its name (that of the file)")
    add_action(actions, EXAMPLES, "use", "search with this model").add_argument(
        "name", metavar="NAME"
    )
    add_action(actions, EXAMPLES, "remove", "delete an installed model").add_argument(
        "name", metavar="NAME"
    )


def run(options: argparse.Namespace) -> int:
    if options.action == "list":
        return _list()
    _check_text(options.name or "")
    if options.action == "install":
        return install(options.name)
    if options.action == "import":
        return _import(options)
    if options.action == "use":
        return _use(options.name)
    return _remove(options.name)


def _list() -> int:
    terminal = Terminal(1)
    use = _in_use()
    listed = catalogue()
    print_out("\n\n".join("\n".join(_entry(model, use, terminal)) for model in listed["models"]))
    print_out(f"\nFigures are from {harmless(listed['accuracy_source'])}.")
    return 0


def _entry(model: dict[str, Any], use: Message, terminal: Terminal) -> Iterator[str]:
    marks = []
    if model["name"] == use.get("current"):
        marks.append("in use")
    if model["name"] == use.get("next"):
        marks.append(f"being made ready: {count(use['done'])} of {count(use['total'], 'picture')}")
    if model.get("installed"):
        marks.append("comes with csearch" if model.get("starter") else "installed")
    if model.get("recommended"):
        marks.append("recommended")
    if not marks:
        marks.append("can be installed")
    yield f"{terminal.styled(harmless(model['name']), '1')}  ({', '.join(marks)})"
    sizes = []
    if model.get("download") and not model.get("installed"):
        sizes.append(f"about {size(model['download'])} to download")
    if model.get("disk"):
        about = "" if model.get("installed") else "about "
        sizes.append(f"{about}{size(model['disk'])} on disk")
    needs = ""
    if model.get("pytorch") and not model.get("installed"):
        needs = "PyTorch, to make it of the published checkpoint"
    weights = " ".join(filter(None, [model.get("arch"), model.get("weights")]))
    if model.get("peak") and not model.get("installed"):
        sizes.append(f"about {size(model['peak'])} while installing")
    repository = "" if model.get("installed") else model.get("repository")
    for label, text in (
        ("weights", weights),
        ("licence", model.get("licence")),
        ("size", ", ".join(sizes)),
        ("languages", model.get("languages")),
        ("accuracy", model.get("accuracy")),
        ("needs", needs),
        ("files", repository),
        ("page", model.get("page")),
        ("", model.get("summary")),
    ):
        if text:
            yield f"  {terminal.styled(f'{label:11}', '2')}{harmless(text)}"


def _import(options: argparse.Namespace) -> int:
    checkpoint = [options.arch or options.config, options.weights]
    if options.arch and options.config:
        raise ClientError("give --arch or --config, not both")
    if any(checkpoint) if options.paths else not all(checkpoint):
        raise ClientError(
            "give --arch (or --config) and --weights of a checkpoint; or a directory, or two ONNX"
            " files"
        )
    arguments = ["--import"]
    if options.paths:
        arguments += [os.path.abspath(path) for path in options.paths]
    else:
        arguments += ["--arch", options.arch] if options.arch else ["--config", options.config]
        arguments += ["--weights", options.weights]
    if options.name is not None:
        arguments += ["--name", options.name]
    return install(*arguments)


def _use(name: str) -> int:
    result = Connection(start=True).call("use", model=name)
    if result["total"]:
        print_out(
            f"{count(result['total'], 'picture')} will be read with {harmless(result['model'])}; "
            "until then searches use the model they used before (csearchctl status shows the "
            "progress)"
        )
    else:
        print_out(f"Searches use {harmless(result['model'])}.")
    return 0


def _remove(name: str) -> int:
    use = Connection(start=True).call("models")
    if name in (use.get("current"), use.get("next")):
        raise ClientError(
            f"{printable(name)} is in use; csearchctl model use chooses another one first"
        )
    if status := remove(name):
        return status
    print_out(f"{printable(name)} has been removed.")
    return 0


def _check_text(name: str) -> None:
    """Raises ClientError for bytes that no model's name has: messages hold text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ClientError(f"{printable(name)} can't be a model's name: it is not UTF-8") from None


def _in_use() -> Message:
    """The models that the service searches with and changes to; nothing if it isn't running."""
    try:
        return Connection(start=False).call("models")
    except NotRunning:
        return {}
