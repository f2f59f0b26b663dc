"""csearchctl doctor finds what is wrong and says what to do."""

from __future__ import annotations

import os
import shutil

from home import Home
from scripted_service import STATUS

from csearchd.models.installed import starter_directory


def doctor(home: Home) -> tuple[dict[str, tuple[str, str]], int]:
    """Level and text by subject (the last one of each), and the exit status."""
    done = home.ask("csearchctl", "doctor")
    assert done.stderr == b""
    found = {}
    subject = ""
    for line in done.stdout.decode().splitlines():
        if line.startswith(" "):
            level, text = found[subject]
            found[subject] = (level, text + line)
            continue
        level, subject, text = line.split(None, 2)
        found[subject] = (level, text)
    return found, done.returncode


def test_a_sound_installation(home):
    found, status = doctor(home)
    assert status == 0, found
    assert found["python"][0] == "ok"
    assert found["torch"][0] == "ok"
    assert "starter" in found["models"][1]
    assert found["socket"] == ("ok", os.fsdecode(home.socket))
    assert found["service"] == ("ok", "not running; a search starts it")
    assert not os.path.exists(home.socket)


def test_configuration_that_is_wrong(home):
    config = home.config
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("[encode]\nthread = 3\n")
    found, status = doctor(home)
    assert status == 1
    assert found["configuration"][0] == "fail"
    assert "line 2" in found["configuration"][1]


def test_socket_that_others_can_reach(home):
    directory = os.path.dirname(home.socket)
    os.mkdir(directory, 0o755)
    found, status = doctor(home)
    assert status == 1
    assert f"chmod 0700 {os.fsdecode(directory)}" in found["socket"][1]


def test_service_of_another_version(home, service):
    def hello(conversation, request):
        conversation.reply(request, "result", protocol=1, version="0.0.9", pid=7)

    service(hello=hello, status=lambda c, r: c.reply(r, "result", **STATUS))
    done = home.ask("csearchctl", "doctor")
    assert b"process 7, model starter, of csearch 0.0.9" in done.stdout
    assert b"the disk is full" in done.stdout


def test_damaged_models(home):
    starter = starter_directory()
    for name in ("changed", "empty"):
        directory = home.data / "models" / name
        shutil.copytree(starter, directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    with (home.data / "models" / "changed" / "tokenizer.json").open("ab") as file:
        file.write(b" ")
    (home.data / "models" / "empty" / "model.toml").unlink()
    done = home.ask("csearchctl", "doctor")
    assert done.returncode == 1
    text = done.stdout.decode()
    assert "changed/tokenizer.json is damaged\n" in text
    for name in ("changed", "empty"):
        assert f"→ remove it with `csearchctl model remove {name}` and install it again" in text
    assert "starter: all files as they were installed" in text


def test_installation_without_the_service(home):
    home.stand_in("csearchd.paths", "raise ImportError('cut off')")
    found, status = doctor(home)
    assert status == 1
    assert "install csearch again" in found["configuration"][1]
