"""Offers to install the recommended model, once, after the first search on a terminal.

The file `model-offered` beside the library notes that this was done. Nothing is offered once a
model has been installed.
"""

from __future__ import annotations

import os

from csearch.directories import data_directory
from csearch.protocol.errors import ClientError

MARKER = "model-offered"

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def offer_model() -> None:
    """Asks if that was never done before, and installs the model after a yes.

    Errors are printed, and don't change the exit status of the search.
    """
    if _settled() or not _remember():
        return
    from csearch.command import print_err

    try:
        _offer()
    except ClientError as error:
        print_err(f"csearch: {error}")


def _offer() -> None:
    from csearch.command import print_err
    from csearch.connection import Connection
    from csearch.models import catalogue, install
    from csearch.show.numbers import count

    listed = catalogue()
    model = next(model for model in listed["models"] if model["name"] == listed["default"])
    print_err("\n".join(_description(model)))
    if not _agreed("Download and use it now? [y/N] "):
        return
    if install(model["name"]) != 0:
        return
    total = Connection(start=True).call("use", model=model["name"])["total"]
    print_err(
        f"{model['name']} is installed. {count(total, 'picture')} will be read again with it; "
        "until then searches use the starter model."
    )


def _description(model: dict[str, Any]) -> Iterator[str]:
    """Lines that say what the recommended model brings, and what it costs."""
    from csearch.protocol.quoting import harmless
    from csearch.show.numbers import size

    yield "\nThese were found with the small starter model. A larger one finds much more:"
    sizes = f"about {size(model['download'])} to download, {size(model['disk'])} on disk"
    yield f"  {harmless(model['name'])}, {sizes}, licence {harmless(model['licence'])}"
    yield f"  {harmless(model['summary'])}"
    yield f"  languages: {harmless(model['languages'])}; accuracy: {harmless(model['accuracy'])}"
    if time := _reading_time(model["name"]):
        yield f"  {time}"
    yield f"To install it later: {csearchctl()} model install {harmless(model['name'])}"


def _reading_time(name: str) -> str | None:
    """How long this machine will need to read the library with the model; None if unknown."""
    from csearch.connection import Connection
    from csearch.models import seconds_per_picture
    from csearch.show.numbers import count

    try:
        images = Connection(start=False).call("status")["images"]
        seconds = images * seconds_per_picture(name)
    except ClientError:
        return None
    minutes = max(1, round(seconds / 60))
    time = count(minutes, "minute") if minutes < 120 else count(round(minutes / 60), "hour")
    return (
        f"Reading your {count(images, 'picture')} again takes this machine roughly {time},"
        " in the background"
    )


def csearchctl() -> str:
    """The command csearchctl as it can be typed: with its path unless that is in $PATH."""
    import shlex
    import shutil
    import sys

    command = os.path.join(os.path.dirname(sys.executable), "csearchctl")
    if shutil.which("csearchctl") or not os.path.exists(command):
        return "csearchctl"
    return shlex.quote(command)


def _settled() -> bool:
    """Whether the question was asked before, or a model is installed."""
    if os.path.exists(os.path.join(data_directory(), MARKER)):
        return True
    models = os.path.join(data_directory(), "models")
    try:
        return any(
            os.path.exists(os.path.join(models, name, "model.toml")) for name in os.listdir(models)
        )
    except FileNotFoundError:
        return False


def _remember() -> bool:
    """Notes that the question is asked; whether that succeeded, else it isn't asked."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(os.path.join(data_directory(), MARKER), flags, 0o600))
        return True
    except OSError:
        return False


def _agreed(question: str) -> bool:
    """Asks on the terminal; whether the answer is y or yes. End of input and Ctrl-C are a no."""
    os.write(2, question.encode())
    try:
        answer = os.read(0, 1024)
    except KeyboardInterrupt:
        answer = b""
    if not answer.endswith(b"\n"):
        os.write(2, b"\n")
    return answer.strip().lower() in (b"y", b"yes")
