"""KRunner itself, which finds our runner by its file and asks it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.bus import Bus, on_bus
from support.user import SECONDS, User, wait_for

TOOLS = ("krunner", "qdbus", "Xvfb", "dbus-daemon")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)),
    reason="needs krunner (plasma-workspace), qdbus (qdbus-qt5), xvfb and dbus",
)


def test_krunner_asks_while_somebody_types(user: User) -> None:
    bus = Bus(user)
    user.take_photos()
    user.config.parent.mkdir(parents=True)
    user.config.write_text('[log]\nlevel = "debug"\n')
    user.csearchctl("install")
    bus.start()
    environment = {
        **user.environment,
        "DBUS_SESSION_BUS_ADDRESS": bus.address,
        "QT_QPA_PLATFORM": "xcb",
        "XDG_CURRENT_DESKTOP": "KDE",
    }
    read, written = os.pipe()
    programs = [
        subprocess.Popen(
            ["Xvfb", "-displayfd", str(written), "-noreset", "-screen", "0", "1024x768x24"],
            pass_fds=[written],
            stderr=subprocess.DEVNULL,
        )
    ]
    os.close(written)

    def qdbus(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["qdbus", "org.kde.krunner", "/App", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    try:
        with open(read, encoding="ascii") as display:
            environment["DISPLAY"] = f":{display.readline().strip()}"
        user.start()
        user.search("anything", "--in", user.pictures)
        wait_for(lambda: on_bus(bus), "the service on the bus")
        log = (user.home / "krunner.log").open("wb")
        programs.append(
            subprocess.Popen(["krunner", "--daemon"], env=environment, stdout=log, stderr=log)
        )
        log.close()
        wait_for(lambda: "query" in qdbus().stdout, "KRunner on the bus")
        assert qdbus("query", "a cup of coffee").returncode == 0
        wait_for(lambda: "org.kde.krunner1.Match, called" in user.log(), "a call of our runner")
        assert "org.kde.krunner1.Actions, called" in user.log()
        assert "Traceback" not in user.log()
    finally:
        for program in reversed(programs):
            program.terminate()
            program.wait(SECONDS)
        bus.stop()
        print(Path(user.home / "krunner.log").read_text(errors="replace")[-2000:])
