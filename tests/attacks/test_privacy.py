"""What csearch makes is its user's alone, whatever the umask; nothing else changes its mode."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from home import Home
from scripted_service import Service, answering, hits

from csearch.protocol import wire
from csearch.protocol.private_directory import make_private
from csearch.protocol.wire import AddressError, runtime_directory
from csearchd.paths import Paths, close_to_others
from support.user import wait_for


def loose() -> None:
    os.umask(0)


def open_to_others(top: Path) -> list[str]:
    """What group or others may do anything with, at or below a directory."""
    found = [path for path in (top, *top.rglob("*")) if not path.is_symlink()]
    return [str(path) for path in found if path.lstat().st_mode & 0o077]


def test_what_is_made_under_a_loose_umask(home: Home) -> None:
    """By a client, the service that it starts, the processes of that, and by the installer."""
    for made in (".local", ".cache"):
        assert not (home.home / made / "csearch").exists()
    home.offered.unlink()
    for directory in (home.data, *home.data.parents[:2]):
        directory.rmdir()
    picture = home.take_photos(("cat",))[0]
    home.pictures.chmod(0o755)
    picture.chmod(0o644)
    done = home.begin("csearch", "near:Paris", preexec_fn=loose)
    done.communicate(timeout=90)
    home.csearchctl("tags", "write", "--mode", "sidecar", home.pictures, preexec_fn=loose)
    home.csearchctl("install", "--all", preexec_fn=loose, check=None)
    for top in (".local", ".cache", "run/csearch"):
        ours = [path for path in open_to_others(home.home / top) if not path.endswith(_INSTALLED)]
        assert not ours
    assert stat.S_IMODE((home.home / ".config").stat().st_mode) == 0o700
    assert stat.S_IMODE(picture.stat().st_mode) == 0o644
    assert stat.S_IMODE(home.pictures.stat().st_mode) == 0o755
    for sidecar in home.pictures.glob("*.xmp"):
        assert stat.S_IMODE(sidecar.stat().st_mode) == 0o644  # as the picture's


# What desktops and shells read; the directories that were made for them are the user's alone.
_INSTALLED = (
    ".desktop", ".service", ".socket", ".fish", ".py", ".svg", ".1", ".5", ".7", ".8",
    "_csearch",
    "completions/csearch", "completions/csearchctl",
)  # fmt: skip


def test_what_an_earlier_umask_has_left(home: Home) -> None:
    home.config.parent.mkdir(parents=True, exist_ok=True)
    home.config.write_text("")
    (home.data / "models" / "mine").mkdir(parents=True)
    (home.data / "models" / "mine" / "weights").touch()
    cache = home.home / ".cache" / "csearch"
    (cache / "places-1").mkdir(parents=True)
    (cache / "csearchd.log").touch()
    foreign = home.home / "foreign"
    foreign.touch(mode=0o644)
    (cache / "link").symlink_to(foreign)
    for top in (home.config.parent, home.data, cache):
        for path in (top, *top.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o777 if path.is_dir() else 0o666)
    shared = [home.home / ".config", home.home / ".local", home.home / ".local" / "share"]
    for directory in shared:
        directory.chmod(0o755)
    home.start()
    for top in (home.config.parent, home.data, cache):
        assert not open_to_others(top)
    assert [stat.S_IMODE(directory.stat().st_mode) for directory in shared] == [0o755] * 3
    assert stat.S_IMODE(foreign.stat().st_mode) == 0o644


def test_what_runs_stays_executable(tmp_path: Path) -> None:
    script = tmp_path / "data" / "script"
    script.parent.mkdir()
    script.touch(mode=0o755)
    missing = str(tmp_path / "none")
    close_to_others(Paths(f"{missing}/config.toml", str(script.parent), missing))
    assert stat.S_IMODE(script.stat().st_mode) == 0o700


def test_a_folder_of_results(home: Home, service: Callable[..., Service]) -> None:
    service(search=answering(hits(b"/p/a.jpg")))
    process = home.begin("csearch", "--folder", "dog", preexec_fn=loose)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert not open_to_others(home.runtime / "csearch" / "results")


@pytest.fixture
def fallback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is used where there is no runtime directory, in a directory that stands for /tmp."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("CSEARCH_SOCKET", raising=False)
    monkeypatch.setattr(wire.os, "access", lambda path, mode: False)
    monkeypatch.setattr(wire, "_TEMPORARY", os.fsencode(tmp_path))
    return tmp_path / f"csearch-{os.getuid()}"


def test_a_planted_directory_of_another_user(
    fallback: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody but they can remove it, so that is no advice."""
    fallback.mkdir(mode=0o700)
    uid = os.getuid()
    real = os.lstat(fallback)
    theirs = os.stat_result((*real[:4], uid + 1, *real[5:10]))
    monkeypatch.setattr(wire.os, "lstat", lambda path: theirs)
    with pytest.raises(AddressError) as said:
        runtime_directory()
    text = str(said.value)
    assert str(fallback) in text
    assert f"uid {uid + 1}" in text
    assert "XDG_RUNTIME_DIR" in text
    assert "CSEARCH_SOCKET" in text
    assert "remove it, or" not in text


def test_one_of_ours_that_others_can_enter(fallback: Path) -> None:
    fallback.mkdir()
    fallback.chmod(0o755)
    with pytest.raises(AddressError, match="chmod 700"):
        runtime_directory()


@pytest.mark.parametrize("planted", ["directory", "link", "file"])
def test_who_is_faster_in_tmp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    """What is there when the directory is to be made, after it was looked for, is checked."""
    place = tmp_path / "csearch-1"
    if planted == "directory":
        place.mkdir()
        monkeypatch.setattr(os, "getuid", lambda: place.stat().st_uid + 1)
    elif planted == "link":
        place.symlink_to(tmp_path)
    else:
        place.touch()
    before = stat.S_IMODE(tmp_path.stat().st_mode)
    with pytest.raises((AddressError, FileExistsError)):
        make_private(os.fsencode(place))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == before


@pytest.mark.parametrize("kind", ["pipe", "device", "directory", "socket"])
def test_a_configuration_that_is_no_file(home: Home, kind: str) -> None:
    """It is named at once, and nothing waits for who never writes."""
    home.config.unlink()
    if kind == "pipe":
        os.mkfifo(home.config)
    elif kind == "device":
        home.config.symlink_to("/dev/zero")
    elif kind == "directory":
        home.config.mkdir()
    else:
        import socket

        with socket.socket(socket.AF_UNIX) as unheard:
            unheard.bind(str(home.config))
    daemon = home.start(wait=False)
    assert daemon.wait(60) == 1
    assert str(home.config) in home.log()
    assert "Traceback" not in home.log()


@pytest.mark.parametrize("name", ["history", "csearchd.log", "vocabulary.txt"])
def test_other_files_that_are_pipes(home: Home, name: str) -> None:
    """Whoever reads or writes them says so, or does without."""
    places = {
        "history": home.data / name,
        "csearchd.log": home.home / ".cache" / "csearch" / name,
        "vocabulary.txt": home.config.parent / name,
    }
    places[name].parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(places[name])
    home.take_photos(("cat",))
    if name == "csearchd.log":
        done = home.ask("csearch", "cat")
        assert done.returncode == 2
        assert b"csearchd.log: cannot be written" in done.stderr
        places[name].unlink()  # else it would be read at the end
        return
    home.start()
    assert home.search("cat")
    if name == "history":
        wait_for(lambda: "is not kept" in home.log(), "a line about the history")
    else:
        done = home.ask("csearchctl", "tags", "preview", str(home.pictures))
        assert done.returncode == 2
        assert b"vocabulary.txt: can't be read: it is not a regular file" in done.stderr
