"""An older daemon that meets a newer client restarts itself as what is installed now."""

from __future__ import annotations

import shutil
from pathlib import Path

import csearch
import csearchd
from csearch.protocol.wire import PROTOCOL
from support.user import User, wait_for


def test_it_restarts_as_the_installed_version(user: User) -> None:
    installed = user.home / "site"
    for package in (csearch, csearchd):
        source = Path(str(package.__file__)).parent
        shutil.copytree(source, installed / source.name)
    user.environment["PYTHONPATH"] = str(installed)
    daemon = user.start()
    version = installed / "csearch" / "__init__.py"
    version.write_text(version.read_text().replace(csearch.__version__, "98.7.6"))

    with user.connect() as client:
        reply = client.ask(op="hello", protocol=PROTOCOL, version="98.7.6")
        assert reply["code"] == "restarting"

    def answer() -> str | None:
        try:
            with user.connect() as client:
                return str(client.ask(op="hello", protocol=PROTOCOL, version="0")["version"])
        except (OSError, AssertionError):
            return None

    wait_for(lambda: answer() == "98.7.6", "the new version")
    assert daemon.poll() is None, "it is the same process"
    user.take_photos(("cat",))
    assert user.search("a cat", "--in", user.pictures)
