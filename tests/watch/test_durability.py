"""Nothing that was committed is lost, and nothing is encoded twice: kills of daemon and encoder."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from pathlib import Path

from PIL import Image

from support.photos import write_drawn, write_photos
from support.user import User, wait_for

PICTURES = 400


def run_in_its_processes(user: User, program: str) -> None:
    """Has each Python process of the service run `program` when it starts."""
    (user.home / "sitecustomize.py").write_text(program)
    user.environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(user.home), user.environment.get("PYTHONPATH")])
    )


def committed(user: User) -> tuple[int, int, int]:
    """Files, vectors and encodings in the database, which must be whole."""
    file = user.data / "library.sqlite"
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not database.execute("PRAGMA foreign_key_check").fetchall()
        counts = database.execute(
            "SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM vectors), "
            "(SELECT coalesce(sum(passes), 0) FROM vectors)"
        ).fetchone()
    database.close()
    return counts  # type: ignore[no-any-return]


def test_kill_9_while_indexing_loses_no_row_and_encodes_nothing_twice(user: User) -> None:
    write_drawn(user.pictures, PICTURES)
    daemon = user.start()
    user.csearchctl("add", user.pictures)
    seen = 0
    chance = random.Random(1)
    for _ in range(4):
        goal = min(seen + chance.randrange(20, 100), PICTURES)
        wait_for(lambda goal=goal: user.status()["encoded"] >= goal, f"{goal} encodings")
        daemon.kill()
        daemon.wait()
        wait_for(lambda: not user.pids("csearchd.encoder"), "the end of its encoder")
        files, vectors, passes = committed(user)
        assert files == PICTURES and vectors >= max(seen, goal)
        assert vectors == passes, "a picture that was committed has been encoded again"
        seen = vectors
        daemon = user.start()
    status = user.settle()
    assert (status["images"], status["encoded"], status["failed"]) == (PICTURES, PICTURES, 0)


def test_a_killed_encoder_is_replaced_and_costs_no_picture(user: User) -> None:
    write_drawn(user.pictures, PICTURES)
    user.start()
    user.csearchctl("add", user.pictures)
    for goal in (10, 120):
        wait_for(lambda goal=goal: user.status()["encoded"] >= goal, f"{goal} encodings")
        for pid in user.pids("csearchd.encoder"):
            os.kill(pid, signal.SIGKILL)
    status = user.settle()
    assert (status["images"], status["encoded"], status["failed"]) == (PICTURES, PICTURES, 0)


# A decoder that crashes can't be had on purpose: this one is planted in the encoder's Python.
CRASHING = """
import os, sys
if "csearchd.encoder" in sys.orig_argv:
    from PIL import Image
    original = Image.open
    def open(file, *args, **kwargs):
        image = original(file, *args, **kwargs)
        if image.size == (13, 13):
            os.abort()
        if image.size == (17, 17):
            while True:
                pass
        return image
    Image.open = open
"""


def test_pictures_that_crash_or_stop_the_decoder_are_found_and_left_out(user: User) -> None:
    from PIL import Image

    (user.home / "sitecustomize.py").write_text(CRASHING)
    user.environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(user.home), user.environment.get("PYTHONPATH")])
    )
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[encode]\nmax_seconds = 2\n")
    write_drawn(user.pictures, 40)
    for name, side in (("crash-1", 13), ("crash-2", 13), ("endless", 17)):
        Image.new("RGB", (side, side), "red" if name == "crash-1" else "blue").save(
            user.pictures / f"{name}.png"
        )
    write_photos(user.pictures, ("cat",))
    user.csearch("--in", user.pictures, "a cat")
    status = user.status()
    assert (status["images"], status["failed"], status["pending"]) == (41, 3, 0)
    failed = {
        Path(line.split(".png")[0]).name: line
        for line in user.csearchctl("failed").stdout.decode().splitlines()
        if ".png" in line
    }
    assert "SIGABRT" in failed["crash-1"] and "SIGABRT" in failed["crash-2"]
    assert "longer than 2 s" in failed["endless"]


def test_pictures_that_are_too_large_fail_with_the_limits_name(user: User) -> None:
    from PIL import Image

    Image.new("1", (30_000, 30_000)).save(user.pictures / "huge.png")
    Image.new("RGB", (1, 1)).save(user.pictures / "one.png")
    Image.new("RGB", (1, 20_000)).save(user.pictures / "line.png")
    found = user.search("anything", "--in", user.pictures)
    assert {path.name for path in found} == {"one.png", "line.png"}
    assert "encode.max_pixels" in user.csearchctl("failed").stdout.decode()


def test_copies_share_one_vector_and_renames_cost_none(user: User) -> None:
    (first, *_) = write_drawn(user.pictures / "a", 3)
    (user.pictures / "a" / "copy.jpg").write_bytes(first.read_bytes())
    os.link(first, user.pictures / "a" / "link.jpg")
    assert len(user.search("anything", "--in", user.pictures)) == 5
    assert user.status()["encoded"] == 3
    (user.pictures / "a").rename(user.pictures / "b")
    assert len(user.search("anything", "--in", user.pictures, "--wait")) == 5
    status = user.status()
    assert (status["images"], status["encoded"]) == (5, 3)
    assert status["reused"] >= 5


def test_forget_purges_and_retry_tries_again(user: User) -> None:
    write_drawn(user.pictures, 2)
    bad = user.pictures / "bad.jpg"
    bad.write_bytes(b"rubbish")
    user.search("anything", "--in", user.pictures)
    assert user.status()["failed"] == 1
    user.csearchctl("failed", "--retry")
    assert user.settle()["failed"] == 1
    (user.pictures / "drawn-00000.jpg").unlink()
    user.csearchctl("forget", user.pictures / "drawn-00000.jpg")
    assert committed(user)[1] == 1
    assert user.status()["encoded"] == 1


def test_an_encoder_that_cannot_begin_blames_no_picture(user: User) -> None:
    broken = 'import sys\nif "csearchd.encoder" in sys.orig_argv:\n    sys.modules["PIL"] = None\n'
    run_in_its_processes(user, broken)
    write_drawn(user.pictures, 3)
    user.csearch("--in", user.pictures, "x", check=1)
    status = user.status()
    assert (status["failed"], status["pending"]) == (0, 3)
    assert "the program that reads pictures ended" in status["notes"][0]


def test_waiting_for_ones_turn_is_not_taking_too_long(user: User) -> None:
    """Large pictures queue for the memory that they may take together."""
    slow = (
        "import sys\n"
        'if "csearchd.encoder" in sys.orig_argv:\n'
        "    import time\n"
        "    from PIL.PngImagePlugin import PngImageFile\n"
        "    prepare = PngImageFile.load_prepare\n"
        "    PngImageFile.load_prepare = lambda image: (time.sleep(2), prepare(image))\n"
    )
    run_in_its_processes(user, slow)
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[encode]\nthreads = 8\nmax_memory = 100_000_000\nmax_seconds = 10\n")
    image = Image.new("RGB", (4000, 4000))
    for number in range(8):
        image.putpixel((0, 0), (number, 0, 0))
        image.save(user.pictures / f"{number}.png", compress_level=1)
    began = time.monotonic()
    found = user.search("x", "--in", user.pictures, "-t", 20)
    assert len(found) == 8, user.csearchctl("failed").stdout
    assert time.monotonic() - began > 14, "they were not decoded one after another"
