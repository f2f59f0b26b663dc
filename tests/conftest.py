"""What all tests share: a user of their own, with the real commands and the real service."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from home import Home
from hypothesis import HealthCheck, settings
from scripted_service import Handler, Service

from csearchd.library.library import Library
from support.user import User

# Tests must not depend on, or touch, the developer's own service.
for name in ("CSEARCH_SOCKET", "XDG_RUNTIME_DIR", "NO_COLOR", "NOTIFY_SOCKET", "LISTEN_FDS"):
    os.environ.pop(name, None)
os.environ.pop("DBUS_SESSION_BUS_ADDRESS", None)

# A test run in the background of a script may have been told to ignore Ctrl-C; the commands that it
# starts must not inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


# A busy machine is no fault of an example.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# .ci/run has installed everything: only what the machine itself lacks may be left out there.
MUST_RUN = bool(os.environ.get("CSEARCH_TEST_ALL"))
MACHINE = re.compile(
    "processor|kernel|file system|attributes|ACLs|namespaces|/dev/fuse|mount here|loop devices"
)


def _unicode(text: str) -> str:
    return text.encode(errors="replace").decode()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    # pytest-xdist sends reports as UTF-8, which names of files need not be.
    report.sections = [(name, _unicode(text)) for name, text in report.sections]
    if report.skipped and MUST_RUN:
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not MACHINE.search(reason):
            report.outcome, report.longrepr = "failed", f"must run here, and was left out: {reason}"


@pytest.fixture(autouse=True)
def _closed_libraries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes the libraries that a test has opened: each holds ten files of the 1,024 that a process
    may have open."""
    opened = []
    init = Library.__init__

    def track(library: Library, *arguments: Any, **options: Any) -> None:
        init(library, *arguments, **options)
        opened.append(library)

    monkeypatch.setattr(Library, "__init__", track)
    yield
    for library in opened:
        with suppress(Exception):  # a test may have taken it apart
            library.close()


@pytest.fixture
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user whose home, runtime directory and service vanish after the test."""
    with User(tmp_path_factory.mktemp("u")) as someone:
        yield someone


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user for all tests of a module, whose service runs and whose photos are read."""
    with User(tmp_path_factory.mktemp("s")) as someone:
        someone.take_photos()
        someone.search("anything", "--in", someone.pictures)
        yield someone


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A user whose commands are run as users run them."""
    with Home(tmp_path_factory.mktemp("h")) as someone:
        yield someone


@pytest.fixture
def service(home: Home) -> Iterator[Callable[..., Service]]:
    """Starts a scripted service where the commands look for one."""
    started = []

    def start(**handlers: Handler) -> Service:
        os.makedirs(os.path.dirname(home.socket), mode=0o700, exist_ok=True)
        started.append(Service(home.socket, **handlers))
        return started[-1]

    yield start
    for running in started:
        running.close()


@pytest.fixture
def small_disk(user: User) -> Iterator[Path]:
    """A data directory on a disk of 8 MB."""
    if os.getuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs root, to mount a small disk")
    user.data.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(user.data)], check=True)
    yield user.data
    user.end()
    subprocess.run(["umount", str(user.data)], check=True)
