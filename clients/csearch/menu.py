"""`python -m csearch.menu similar FILE…` or `here DIR`: the commands of file managers' menus.

They open the search window, or a folder of results if the window's toolkit isn't installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from csearch.command import end, run_command
from csearch.protocol.errors import ClientError
from csearch.search.session import search
from csearch.search.window import NO_TOOLKIT, launch

_QUESTION = "Describe the picture to look for:"
_DIALOGS = (("kdialog", "--inputbox", _QUESTION), ("zenity", "--entry", "--text", _QUESTION))


def _menu(arguments: list[str]) -> int:
    """Raises ClientError."""
    match arguments:
        case ["similar", _, *_]:
            like = [word for file in arguments[1:] for word in ("--like", file)]
            status = launch(like)
            return status if status != NO_TOOLKIT else search(["--folder", "-g", *like])
        case ["here", directory]:
            status = launch(["--in", directory])
            return status if status != NO_TOOLKIT else _ask(directory)
    raise ClientError("python -m csearch.menu similar FILE…, or here DIR")


def _ask(directory: str) -> int:
    """Asks for a description with kdialog or zenity, and searches. Raises ClientError."""
    for command in _DIALOGS:
        if shutil.which(command[0]):
            asked = subprocess.run(command, stdout=subprocess.PIPE)
            query = os.fsdecode(asked.stdout).strip()
            if asked.returncode or not query:
                return 0
            # The blank keeps a query that begins with a dash from being taken for an option.
            return search(["--folder", "--in", directory, f" {query}"])
    raise ClientError("the search window needs GTK 4 for Python; kdialog or zenity would do too")


if __name__ == "__main__":
    end(run_command("csearch", _menu))
