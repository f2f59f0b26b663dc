"""Every message a user can meet, as tests/messages.py lists them: what can be checked of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from messages import Message, messages

ERROR = re.compile(r"(error|err)|str\((error|err)\)|harmless\(str\((error|err)\)\)")
# An error of our own, whose text is a whole message, with the name of the program before it.
WHOLE = re.compile(r"(csearch|csearchctl|csearchd|error|\{name\}|\{\w+\}): \{.*\}|\{error\}; .*")
# What these say goes to the log.
LOGS = (
    "daemon/csearchd/desktop/bus.py",
    "daemon/csearchd/library/cache_token.py",
    "daemon/csearchd/watch/coverage.py",
)
OWN = "daemon/csearchd/reasons/__init__.py"  # where sentences are joined


def is_raw(part: str) -> bool:
    """Whether what is filled in is said by the system, Python or another program."""
    return part.endswith("!r") or "repr(" in part or bool(ERROR.fullmatch(part))


def where(found: list[Message]) -> list[str]:
    return [f"{one.file}:{one.line}: {one.text}" for one in found]


def test_there_are_messages() -> None:
    assert len(list(messages())) > 500


def test_no_text_of_errno_stands_alone() -> None:
    """Clients and programs say what to do, too (csearch.protocol.system_errors)."""
    bare = [
        one
        for one in messages()
        if any(part.endswith("strerror") for part in one.parts)
        and not one.file.startswith("integrations/")  # whose users see no command line
        and one.file not in LOGS
    ]
    assert where(bare) == []


def test_what_others_say_stands_in_a_sentence() -> None:
    alone = [
        one
        for one in messages()
        if any(map(is_raw, one.parts))
        and len(one.own_words) < 3
        and not WHOLE.fullmatch(one.text)
        and one.file != OWN
    ]
    assert where(alone) == []


def test_no_name_of_dbus_is_shown() -> None:
    named = [
        one for one in messages() if re.search(r"org\.(freedesktop|csearch|gnome)\.", one.text)
    ]
    assert where(named) == []


def test_the_list_can_be_read() -> None:
    tool = Path(__file__).with_name("messages.py")
    done = subprocess.run(
        [sys.executable, tool, "clients/csearch/launch.py"], capture_output=True, check=True
    )
    assert b"clients/csearch/launch.py:" in done.stdout and b"cannot be written" in done.stdout
