"""Offers to install the recommended model, once, after the first search on a terminal.

The file `model-offered` beside the library notes that this was done. Nothing is offered once a
model has been installed.
"""

from __future__ import annotations

import os

from csearch.directories import data_directory
from csearch.protocol.errors import ClientError

MARKER = "model-offered"


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
    from csearch.show.numbers import count, size

    listed = catalogue()
    model = next(model for model in listed["models"] if model["name"] == listed["default"])
    print_err(
        "\nThese were found with the small starter model. A larger one finds much more:\n"
        f"  {model['name']}, {size(model['download'])} to download, licence {model['licence']}\n"
        f"  {model['summary']}\n"
        f"To install it later: {csearchctl()} model install {model['name']}"
    )
    if not _agreed("Download and use it now? [y/N] "):
        return
    if install(model["name"]) != 0:
        return
    total = Connection(start=True).call("use", model=model["name"])["total"]
    print_err(
        f"{model['name']} is installed. {count(total, 'picture')} will be read again with it; "
        "until then searches use the starter model."
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
