"""The folders of saved searches: links to what is found, which stay true."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.tiny_model import make_tiny_model
from support.album import write_photo, xmp
from support.photos import write_drawn
from support.user import User, wait_for


@pytest.fixture
def owner(user: User) -> User:
    """A user with a watched directory of three dated photos."""
    for number, name in enumerate(("cat", "horse", "moon"), 1):
        write_photo(user.pictures / f"{name}.jpg", name, taken=f"2024:0{number}:01 12:00:00")
    user.csearchctl("add", user.pictures)
    user.settle()
    return user


def save(user: User, name: str, *arguments: object) -> Path:
    """Saves a search; its folder, which is filled."""
    output = user.csearchctl("saved", "add", name, *arguments).stdout
    folder = Path(os.fsdecode(output.rstrip(b"\n")))
    assert folder == user.data / "saved" / name
    return folder


def links(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_symlink())


def shown(folder: Path) -> list[str]:
    """What the links lead to, in the order of their names."""
    return [os.path.basename(target) for target in targets(folder)]


def targets(folder: Path) -> list[str]:
    """The same with their paths, of links that stay for a moment."""
    while True:
        with suppress(FileNotFoundError):
            return [os.readlink(folder / name) for name in links(folder)]


def until(condition: Callable[[], Any], what: str) -> float:
    """Waits for a condition; the seconds that it took."""
    begun = time.monotonic()
    wait_for(condition, what)
    return time.monotonic() - begun


def test_links_are_ranked_readable_and_lead_to_the_pictures(owner: User) -> None:
    folder = save(owner, "all of it", "after:2024", "--sort", "date")
    assert links(folder) == ["001 moon.jpg", "002 horse.jpg", "003 cat.jpg"]
    assert os.readlink(folder / "003 cat.jpg") == str(owner.pictures / "cat.jpg")
    assert (folder.stat().st_mode & 0o777) == 0o700
    assert shown(save(owner, "two", "after:2024", "--sort", "date", "--top", "2")) == [
        "moon.jpg", "horse.jpg",
    ]  # fmt: skip
    assert shown(save(owner, "here", "after:2024", "--in", owner.pictures / "x/..")) != []


def test_only_what_matches_at_least_fairly_is_in_it(owner: User) -> None:
    fair = owner.search("-g", "-t500", "--min-confidence", "fair", "a cat")
    assert shown(save(owner, "cats", "a cat")) == [path.name for path in fair]
    assert len(shown(save(owner, "any", "a cat", "--min-confidence", "weak"))) == 3
    strong = owner.search("-g", "--min-confidence", "strong", "a cat", check=None)
    assert len(shown(save(owner, "sure", "a cat", "--min-confidence", "strong"))) == len(strong)


def test_what_is_found_by_name_is_in_it(owner: User) -> None:
    """However it looks, as csearch has it; unless the search says what the least is."""
    drawn = write_drawn(owner.pictures, 30)
    named = [one.rename(one.with_name(f"coffee {n}.jpg")) for n, one in enumerate(drawn[:3])]
    owner.csearchctl("rescan")
    owner.settle()
    found = owner.csearch("-g", "--json", "a cup of coffee")
    hits = [json.loads(line) for line in found.stdout.splitlines()]
    good = [hit["path"] for hit in hits if hit["by_name"] or hit["confidence"] != "weak"]
    assert {hit["path"] for hit in hits if hit["by_name"]} == set(map(str, named))
    assert b"nothing matches well" not in found.stderr
    folder = save(owner, "coffee", "a cup of coffee")
    assert targets(folder) == good
    fair = owner.csearch("-g0", "--min-confidence", "fair", "a cup of coffee", check=None).stdout
    sure = save(owner, "sure", "a cup of coffee", "--min-confidence", "fair")
    assert targets(sure) == [os.fsdecode(path) for path in fair.split(b"\0") if path]
    # What looks the same without the name isn't in it; it is once it is called so.
    shutil.copy(named[0], owner.pictures / "tea.jpg")
    owner.csearchctl("rescan")
    owner.settle()
    drawn[3].rename(owner.pictures / "my coffee.jpg")
    until(lambda: "my coffee.jpg" in shown(folder), "a picture that got the name")
    assert "tea.jpg" not in shown(folder) or "tea.jpg" in map(os.path.basename, fair)
    named[1].rename(owner.pictures / "b.jpg")
    until(lambda: named[1].name not in shown(folder), "a picture that lost the name")


def test_it_follows_new_renamed_and_deleted_pictures(owner: User) -> None:
    folder = save(owner, "dated", "after:2024", "--sort", "date")
    write_photo(owner.pictures / "rocket.jpg", "rocket", taken="2024:02:15 12:00:00")
    until(lambda: "rocket.jpg" in shown(folder), "a new picture")
    assert shown(folder) == ["moon.jpg", "rocket.jpg", "horse.jpg", "cat.jpg"]
    # Those that stay keep their names.
    assert {"001 moon.jpg", "002 horse.jpg", "003 cat.jpg"} < set(links(folder))
    (owner.pictures / "moon.jpg").rename(owner.pictures / "luna.jpg")
    until(lambda: shown(folder)[0] == "luna.jpg", "a renamed picture")
    (owner.pictures / "horse.jpg").unlink()
    until(lambda: shown(folder) == ["luna.jpg", "rocket.jpg", "cat.jpg"], "a deleted picture")
    assert "003 cat.jpg" in links(folder)
    (owner.pictures / "sub").mkdir()
    (owner.pictures / "cat.jpg").rename(owner.pictures / "sub" / "cat.jpg")
    target = str(owner.pictures / "sub" / "cat.jpg")
    until(lambda: target in targets(folder), "a moved picture")
    until(lambda: all(path.exists() for path in folder.iterdir()), "links that lead somewhere")


def test_it_follows_what_is_told_of_pictures(owner: User) -> None:
    """Whose pixels stay the same."""
    late, tagged, named = (
        save(owner, "late", "after:2025"),
        save(owner, "tagged", "tag:beach"),
        save(owner, "named", "folder:sea"),
    )
    cat = owner.pictures / "cat.jpg"
    write_photo(cat, "cat", taken="2025:06:01 12:00:00")
    until(lambda: shown(late) == ["cat.jpg"], "a new date")
    cat.with_name("cat.jpg.xmp").write_bytes(xmp(keywords=("beach",)))
    until(lambda: shown(tagged) == ["cat.jpg"], "a new keyword")
    (owner.pictures / "lake").mkdir()
    cat.rename(owner.pictures / "lake" / "cat.jpg")
    until(lambda: targets(late) == [str(owner.pictures / "lake" / "cat.jpg")], "a moved picture")
    (owner.pictures / "lake").rename(owner.pictures / "sea")
    until(lambda: shown(named) == ["cat.jpg"], "a renamed directory")
    assert targets(late) == [str(owner.pictures / "sea" / "cat.jpg")]


def test_only_those_are_asked_that_a_change_may_concern(owner: User) -> None:
    write_drawn(owner.pictures, 23)  # so many that another one doesn't change what is strong
    owner.csearchctl("rescan")
    owner.settle()
    old = save(owner, "old", "before:2020")
    cats = save(owner, "cats", "after:2024 a cat", "--min-confidence", "strong")
    elsewhere = save(owner, "elsewhere", "after:2024", "--in", owner.pictures / "..")
    dated = save(owner, "dated", "after:2024")
    mine = owner.pictures / "rocket.jpg"
    wait_for(lambda: _rest(owner), "the rounds to end")
    for folder in (old, cats, elsewhere, dated):
        for link in folder.iterdir():
            link.unlink()
    write_photo(mine, "gravel", taken="2024:05:01 12:00:00")
    until(lambda: len(links(dated)) == len(links(elsewhere)) == 27, "what is concerned")
    assert links(cats) == links(old) == []


def test_it_follows_within_five_seconds(owner: User) -> None:
    """The library: how fast pictures are read is measured elsewhere."""
    folder = save(owner, "dated", "after:2024", "--sort", "name")
    times = []
    for number in range(3):
        changed = owner.pictures / f"{number}.jpg"
        (owner.pictures / "cat.jpg").rename(changed)
        wait_for(lambda changed=changed: owner.search("-g", f"name:{changed.name}"), "the rename")
        times.append(until(lambda n=changed.name: n in shown(folder), "the link"))
        changed.rename(owner.pictures / "cat.jpg")
        until(lambda: "cat.jpg" in shown(folder), "the link")
    assert min(times) < 5, times


def test_it_follows_while_reading_is_paused(owner: User) -> None:
    folder = save(owner, "dated", "after:2024", "--sort", "name")
    owner.csearchctl("pause")
    (owner.pictures / "cat.jpg").unlink()
    until(lambda: shown(folder) == ["horse.jpg", "moon.jpg"], "a deleted picture")
    assert owner.status()["state"] == "paused"


def test_it_is_brought_up_to_date_when_the_service_starts(owner: User) -> None:
    folder = save(owner, "dated", "after:2024", "--sort", "name")
    owner.csearchctl("stop")
    (owner.pictures / "cat.jpg").unlink()
    shutil.rmtree(save_folder := folder.parent)
    owner.csearchctl("start")
    until(lambda: save_folder.exists() and shown(folder) == ["horse.jpg", "moon.jpg"], "a start")


def test_what_is_not_ours_stays(owner: User) -> None:
    folder = save(owner, "dated", "after:2024", "--sort", "name")
    (folder / "notes.txt").write_text("mine")
    (folder / "my link").symlink_to("/nowhere")
    (folder / "009 mine.jpg").symlink_to("/nowhere/else.jpg")
    (folder / "deeper").mkdir()
    (folder / "001 cat.jpg").unlink()
    (folder / "001 cat.jpg").write_text("my own cat")
    mine = {"notes.txt", "my link", "009 mine.jpg", "deeper", "001 cat.jpg"}
    (owner.pictures / "horse.jpg").unlink()
    until(lambda: "002 horse.jpg" not in links(folder), "a deleted picture")
    until(lambda: "cat.jpg" in shown(folder), "the link, with another name")
    assert mine < set(os.listdir(folder))
    said = owner.csearchctl("saved", "remove", "dated").stderr.decode()
    assert f"{folder} stays" in said
    assert set(os.listdir(folder)) == mine
    assert (folder / "001 cat.jpg").read_text() == "my own cat"


def test_folders_are_renamed_and_removed_with_their_searches(owner: User) -> None:
    folder = save(owner, "dated", "after:2024")
    names = links(folder)
    owner.csearchctl("saved", "rename", "dated", "other\nname")
    other = folder.with_name("other\nname")
    assert links(other) == names and not folder.exists()
    owner.csearchctl("saved", "remove", "other\nname")
    assert os.listdir(owner.data / "saved") == []
    folder.mkdir()
    (folder / "mine").touch()
    save(owner, "new", "after:2024")
    owner.csearchctl("saved", "rename", "new", "dated")
    until(lambda: len(links(folder)) == 3, "the links beside what was there")
    assert os.listdir(owner.data / "saved") == ["dated"]
    save(owner, "dated", "after:2024-03", "--replace")
    assert shown(folder) == ["moon.jpg"] and (folder / "mine").exists()


def test_it_is_never_empty_and_each_link_leads_somewhere(owner: User) -> None:
    """Looked at all the time, while pictures of the same names come and go."""
    folder = save(owner, "dated", "after:2024", "--sort", "name")
    seen = set()
    for number in range(4):
        sub = owner.pictures / str(number)
        sub.mkdir()
        shutil.copy(owner.pictures / "cat.jpg", sub / "cat.jpg")
        if number:
            shutil.rmtree(owner.pictures / str(number - 1))
        deadline = time.monotonic() + 60
        while str(sub / "cat.jpg") not in targets(folder):
            seen.add(len(os.listdir(folder)))
            assert time.monotonic() < deadline
    assert min(seen) >= 3


def test_another_model_gives_other_links(user: User) -> None:
    make_tiny_model(str(user.data / "models" / "tiny"))
    write_drawn(user.pictures, 20)
    user.csearchctl("add", user.pictures)
    user.settle()

    def found() -> list[str]:
        return [path.name for path in user.search("-g", "-t", "500", "a red circle")]

    before = found()
    folder = save(user, "red", "a red circle", "--min-confidence", "weak")
    assert shown(folder) == before
    user.csearchctl("model", "use", "tiny")
    wait_for(lambda: user.status()["model"] == "tiny", "the model")
    assert found() != before
    until(lambda: shown(folder) == found(), "its results")


def test_the_watch_never_walks_into_it(owner: User) -> None:
    folder = save(owner, "dated", "after:2024")
    owner.config.write_text("[text]\nenabled = false\n[scan]\nhidden = true\n")
    owner.csearchctl("reload")
    owner.csearchctl("add", owner.home)
    write_photo(folder / "copied.jpg", "rocket", taken="2024:05:01 12:00:00")
    owner.csearchctl("rescan", owner.home)
    owner.settle()
    assert owner.search("-g", "name:copied", check=1) == []
    inotify = "".join(
        file.read_text()
        for pid in owner.pids("csearchd")
        for file in Path(f"/proc/{pid}/fdinfo").iterdir()
        if file.exists()
    )
    found = re.findall(r"^inotify wd:\w+ ino:(\w+)", inotify, re.MULTILINE)
    watched = {int(number, 16) for number in found}
    assert owner.pictures.stat().st_ino in watched
    assert not watched & {folder.stat().st_ino, folder.parent.stat().st_ino}


def test_a_full_disk_leaves_the_old_links(owner: User, tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root, to mount a small disk: no mount here")
    saved = owner.data / "saved"
    saved.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=12", "tmpfs", str(saved)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no mount here")
    try:
        folder = save(owner, "dated", "after:2024", "--sort", "name")
        before = links(folder)
        assert len(before) == 3
        for number in range(20):
            try:
                (saved / str(number)).touch()
            except OSError:
                break
        (owner.pictures / "cat.jpg").rename(owner.pictures / "a.jpg")

        def trouble() -> bool:
            return b"No space" in owner.csearchctl("saved", "list").stderr

        until(trouble, "the trouble to be said")
        assert links(folder) == before
        for number in range(20):
            (saved / str(number)).unlink(missing_ok=True)
        write_drawn(owner.pictures, 1)  # the library changes
        until(lambda: "a.jpg" in shown(folder) and not trouble(), "the links")
    finally:
        owner.csearchctl("stop")
        subprocess.run(["umount", str(saved)], check=True)


def test_a_folder_that_cannot_be_changed_keeps_its_search(owner: User) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root, to mount a directory for reading alone: no mount here")
    folder = save(owner, "dated", "after:2024", "--sort", "name")
    saved = str(folder.parent)
    before = links(folder)
    if subprocess.run(["mount", "--bind", saved, saved], capture_output=True).returncode:
        pytest.skip("no mount here")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", saved], check=True)
        for change in (("remove", "dated"), ("rename", "dated", "other")):
            said = owner.csearchctl("saved", *change, check=2).stderr
            assert b"Read-only" in said and b"Traceback" not in said
        (owner.pictures / "cat.jpg").rename(owner.pictures / "a.jpg")
        wait_for(lambda: b"Read-only" in owner.csearchctl("saved", "list").stderr, "the trouble")
        assert links(folder) == before
    finally:
        subprocess.run(["umount", saved], check=True)
    assert owner.csearchctl("saved", "list").stdout.startswith(b"dated\t")
    until(lambda: "a.jpg" in shown(folder), "another try")
    owner.csearchctl("saved", "rename", "dated", "other")
    assert os.listdir(saved) == ["other"]


def test_a_folder_that_cannot_be_one_is_said(owner: User) -> None:
    (owner.data / "saved").mkdir()
    (owner.data / "saved" / "dated").write_text("mine")
    owner.csearchctl("saved", "add", "dated", "after:2024")
    assert b"dated" in owner.csearchctl("saved", "show", "dated").stderr
    owner.csearchctl("saved", "remove", "dated")
    assert (owner.data / "saved" / "dated").read_text() == "mine"


def test_pictures_in_the_query_are_looked_at_once(owner: User, tmp_path: Path) -> None:
    write_photo(tmp_path / "mine.jpg", "coffee")
    folder = save(owner, "like", tmp_path / "mine.jpg", "--min-confidence", "weak")
    assert len(links(folder)) == 3
    (tmp_path / "mine.jpg").unlink()
    write_photo(owner.pictures / "rocket.jpg", "rocket")
    until(lambda: b"mine.jpg" in owner.csearchctl("saved", "list").stderr, "what is wrong")
    assert len(links(folder)) == 3
    write_photo(tmp_path / "mine.jpg", "coffee")  # which changes nothing of the library
    until(lambda: len(links(folder)) == 4, "another try")
    assert owner.csearchctl("saved", "list").stderr == b""


@pytest.mark.parametrize("is_busy", [False, True])
def test_relative_dates_move_on_at_midnight(user: User, is_busy: bool) -> None:
    """In a time zone in which it is a minute to midnight."""
    now = datetime.now(UTC)
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    ahead = int((midnight - now).total_seconds()) - 60
    _write_zone(user.home / "zones" / "Near" / "Midnight", ahead)
    user.environment |= dict.fromkeys(("TZDIR", "PYTHONTZPATH"), str(user.home / "zones"))
    user.environment["TZ"] = "Near/Midnight"
    today = (now + timedelta(seconds=ahead)).strftime("%Y:%m:%d 10:00:00")
    write_photo(user.pictures / "new.jpg", "cat", taken=today)
    other = user.pictures / "other.jpg"
    write_photo(other, "horse", taken="2020:01:01 10:00:00")
    user.csearchctl("add", user.pictures)
    user.settle()
    folder = save(user, "yesterday", "on:yesterday")
    assert links(folder) == []

    def is_past_midnight() -> bool:
        nonlocal other
        if is_busy:
            other = other.rename(other.with_stem(other.stem[::-1]))
        return links(folder) == ["001 new.jpg"]

    until(is_past_midnight, "midnight")


def test_nothing_is_done_while_nothing_changes(owner: User) -> None:
    for number in range(5):
        save(owner, str(number), "after:2024")
    folder = owner.data / "saved" / "0"

    def is_idle() -> bool:
        """Whether no round makes the links again, and nothing else is done, for a while."""
        for name in links(folder):
            (folder / name).unlink()
        return _rest(owner) and not links(folder)

    wait_for(is_idle, "the rounds to end")


def _write_zone(path: Path, ahead: int) -> None:
    """A time zone that is so many seconds ahead of UTC, as of RFC 8536."""
    data = struct.pack(">6I", 0, 0, 0, 0, 1, 4) + struct.pack(">i2b", ahead, 0, 0) + b"XXX\0"
    rule = f"\nXXX-{ahead // 3600}:{ahead // 60 % 60:02}:{ahead % 60:02}\n"
    path.parent.mkdir(parents=True)
    path.write_bytes((b"TZif2" + bytes(15) + data) * 2 + rule.encode())


def _rest(user: User) -> bool:
    """Whether next to nothing is done for a while."""
    (pid,) = user.pids("csearchd")
    begun = _processor_seconds(pid)
    time.sleep(8)
    return _processor_seconds(pid) - begun < 0.5


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
