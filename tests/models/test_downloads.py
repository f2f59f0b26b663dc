"""What is downloaded is whole and right, or it isn't kept, whatever a server sends."""

from __future__ import annotations

import os
import shutil
import signal
import types
from typing import Any

import pytest

from csearchd.errors import ModelError, NetworkError
from csearchd.models import fetch
from csearchd.models.hub import connection, heads
from csearchd.models.hub.disk_space import check_space
from models.hub import Hub, Refusal, serving
from models.installing import Home, assert_one_error
from support.user import wait_for

WEIGHTS = "open_clip_model.safetensors"
OLDER = "open_clip_pytorch_model.bin"
CONTENT = bytes(range(256)) * 16_000
HALF = len(CONTENT) // 2
SMALL_FILE = "config.json"  # the hub keeps it in git, and knows no sha256 of it

PROGRAM = f"""
import os, sys
from csearchd.errors import ModelError
from csearchd.models import fetch
from csearchd.models.hub.connection import Hub
names = {(WEIGHTS, OLDER)!r}
try:
    hub = Hub.of_environment()
    hub = Hub(hub.address, hub.token, pauses=(0.1, 0.1))
    done = fetch.download_weights(hub, "someone/model/", names, sys.argv[1], sys.argv[1])
    print(os.path.join(done.directory, *done.names))
except ModelError as error:
    print(f"csearchctl: {{error}}", file=sys.stderr)
    sys.exit(2)
"""


@pytest.fixture
def home(tmp_path: Any) -> Home:
    return Home(str(tmp_path))


@pytest.fixture
def cache(tmp_path: Any) -> str:
    return str(tmp_path / "downloads")


def download(hub: Hub, cache: str, name: str = "") -> bytes:
    """Downloads the weights (or the file `name`) into `cache`; returns what is there then."""
    asked = connection.Hub(hub.address, pauses=(0.01, 0.01))
    done = fetch.download_weights(asked, f"someone/model/{name}", (WEIGHTS, OLDER), cache, cache)
    assert done.source == f"someone/model@{hub.commit}"
    (found,) = done.names
    with open(os.path.join(cache, found), "rb") as file:
        return file.read()


def test_a_download_that_breaks_off_goes_on_where_it_was(cache: str) -> None:
    with serving(Hub({WEIGHTS: CONTENT}, breaks=1)) as hub:
        assert download(hub, cache) == CONTENT
    assert hub.ranges == ["bytes=0-", f"bytes={HALF}-"]


def test_an_encrypted_connection_that_breaks_off_is_like_any_other(home: Home) -> None:
    program = (
        "import http.client, ssl\n"
        "original, reads = http.client.HTTPResponse.read1, []\n"
        "def read1(self, n=-1):\n"
        "    if 'Content-Range' not in self.headers: return original(self, n)\n"
        "    reads.append(n)\n"
        "    if len(reads) == 2: raise ssl.SSLError('bad record mac')\n"
        "    return original(self, 1000)\n"
        "http.client.HTTPResponse.read1 = read1\n"
    )
    with serving(Hub({WEIGHTS: CONTENT[:9000]})) as hub:
        result = home.install(home.downloads, hub=hub.address, program=program + PROGRAM)
    assert_downloaded(result, CONTENT[:9000])
    assert hub.ranges == ["bytes=0-", "bytes=1000-"]


def assert_downloaded(result: tuple[int, str, str], content: bytes) -> None:
    code, out, err = result
    assert code == 0, err
    with open(out.strip(), "rb") as file:
        assert file.read() == content


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_ended_download_goes_on_where_it_was(home: Home, number: signal.Signals) -> None:
    with serving(Hub({WEIGHTS: CONTENT}, stalls=True)) as hub:
        process = home.start(home.downloads, hub=hub.address, program=PROGRAM)
        wait_for(lambda: size_below(home.downloads) == HALF, "half of the file")
        process.send_signal(number)
        process.communicate()
        hub.stalls = False
        result = home.install(home.downloads, hub=hub.address, program=PROGRAM)
        assert_downloaded(result, CONTENT)
        assert f"downloading 4 MB, of which {HALF // 1_000_000} are there" in result[2]
    assert hub.ranges == ["bytes=0-", f"bytes={HALF}-"]


def size_below(directory: str) -> int:
    if not os.path.isdir(directory):
        return 0
    return sum(entry.stat().st_size for entry in os.scandir(directory))


@pytest.mark.parametrize("wrong", ["ignores_ranges", "shifts_ranges"])
def test_a_server_that_gives_no_ranges_or_wrong_ones(cache: str, wrong: str) -> None:
    with serving(Hub({WEIGHTS: CONTENT}, breaks=1, **{wrong: True})) as hub:
        assert download(hub, cache) == CONTENT
    assert len(hub.ranges) == (2 if wrong == "ignores_ranges" else 3)


def test_a_network_that_goes_away_is_one_line_and_what_came_is_kept(cache: str) -> None:
    broken = Hub({WEIGHTS: CONTENT}, breaks=10_000)
    with serving(broken), pytest.raises(NetworkError, match=r"broke off .*is kept"):
        download(broken, cache)
    assert size_below(cache) > 0.9 * len(CONTENT)


@pytest.mark.parametrize("name", [WEIGHTS, SMALL_FILE])
def test_a_download_that_came_damaged_is_fetched_once_more(cache: str, name: str) -> None:
    with serving(Hub({name: CONTENT}, damages=1)) as hub:
        assert download(hub, cache, name) == CONTENT
    assert hub.ranges == ["bytes=0-"] * 2


@pytest.mark.parametrize("name", [WEIGHTS, SMALL_FILE])
def test_a_download_that_comes_damaged_twice_is_not_kept(cache: str, name: str) -> None:
    with serving(Hub({name: CONTENT}, damages=2)) as hub:
        with pytest.raises(ModelError, match=f"{name} came damaged twice"):
            download(hub, cache, name)
        assert os.listdir(cache) == []
        assert download(hub, cache, name) == CONTENT


@pytest.mark.parametrize("size", [HALF, len(CONTENT), len(CONTENT) + 1000])
def test_a_damaged_part_of_an_earlier_download_is_replaced(cache: str, size: int) -> None:
    with serving(Hub({WEIGHTS: CONTENT})) as hub:
        os.makedirs(cache)
        with open(part_of(hub, cache), "wb") as file:
            file.write(bytes(size))
        assert download(hub, cache) == CONTENT
    assert os.listdir(cache) == [WEIGHTS]


def test_a_damaged_file_of_an_earlier_download_is_replaced(cache: str) -> None:
    with serving(Hub({WEIGHTS: CONTENT})) as hub:
        assert download(hub, cache) == CONTENT
        with open(os.path.join(cache, WEIGHTS), "r+b") as file:
            file.write(b"x")
        assert download(hub, cache) == CONTENT
        assert download(hub, cache) == CONTENT
    assert hub.ranges == ["bytes=0-"] * 2  # none for the third


def part_of(hub: Hub, cache: str) -> str:
    """Where a part of the weights is kept."""
    asked = connection.Hub(hub.address)
    repository = fetch.read_repository(asked, "someone/model")
    return os.path.join(cache, repository.files[WEIGHTS].checksum + ".part")


def test_a_body_that_never_ends_writes_no_more_than_the_file_has(cache: str) -> None:
    with serving(Hub({WEIGHTS: CONTENT}, endless=1)) as hub:
        assert download(hub, cache) == CONTENT
    wrong = Hub({WEIGHTS: b"another"}, endless=2, damages=2)
    with serving(wrong), pytest.raises(ModelError, match="damaged twice"):
        download(wrong, cache)
    assert os.listdir(cache) == [WEIGHTS]
    assert size_below(cache) == len(CONTENT)


def test_a_file_that_has_changed_is_not_mixed_with_its_older_version(cache: str) -> None:
    with serving(Hub({WEIGHTS: CONTENT}, breaks=10_000)) as hub:
        with pytest.raises(NetworkError):
            download(hub, cache)
        (left,) = os.listdir(cache)
        hub.breaks = 0
        hub.commit = "2" * 40
        hub.files[WEIGHTS] = CONTENT[::-1]
        assert download(hub, cache) == CONTENT[::-1]
    assert os.listdir(cache) == [WEIGHTS]
    assert left.endswith(".part")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_by_another_host_is_final(cache: str, status: int) -> None:
    with serving(Hub({WEIGHTS: CONTENT}, refusals={"cdn": [Refusal(status)]})) as hub:
        with pytest.raises(ModelError, match=f"{WEIGHTS} can't be .* the server says {status}"):
            download(hub, cache)
        assert download(hub, cache) == CONTENT


@pytest.mark.parametrize("kind", ["api", "file", "cdn"])
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_that_is_busy_is_asked_again(cache: str, kind: str, status: int) -> None:
    with serving(Hub({WEIGHTS: CONTENT}, refusals={kind: [Refusal(status)] * 2})) as hub:
        assert download(hub, cache) == CONTENT


@pytest.mark.parametrize("kind", ["api", "cdn"])
def test_a_server_that_stays_busy_is_left_alone(cache: str, kind: str) -> None:
    with serving(Hub({WEIGHTS: CONTENT}, refusals={kind: [Refusal(503)] * 100})) as hub:
        with pytest.raises(NetworkError, match="503"):
            download(hub, cache)
        assert len(hub.refusals[kind]) == 97  # once, and once after each pause


def test_older_files_are_taken_where_there_is_no_safetensors(cache: str) -> None:
    with serving(Hub({OLDER: b"weights"})) as hub:
        assert download(hub, cache) == b"weights"


def test_weights_that_are_not_there(cache: str) -> None:
    with serving(Hub({})) as hub, pytest.raises(ModelError, match="someone/model holds no weights"):
        download(hub, cache)


def test_a_full_disk_is_one_line(cache: str) -> None:
    with serving(Hub({WEIGHTS: CONTENT})) as hub:
        os.makedirs(cache)
        os.symlink("/dev/full", part_of(hub, cache))
        with pytest.raises(ModelError, match=f"the disk of {cache} is full: make room"):
            download(hub, cache)


def test_room_is_counted_by_disk(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = str(tmp_path / "a" / "b"), "/dev/shm"
    free = {os.stat(tmp_path).st_dev: 100, os.stat(there).st_dev: 30}
    if len(free) == 1:
        pytest.skip("one file system")
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: types.SimpleNamespace(free=free[os.stat(path).st_dev])
    )
    check_space([(here, 60), (str(tmp_path), 40), (there, 30)])
    with pytest.raises(ModelError, match=f"the disk of {tmp_path} has"):
        check_space([(here, 60), (str(tmp_path), 41), (there, 30)])
    with pytest.raises(ModelError, match=f"the disk of {there} has"):
        check_space([(here, 60), (there, 31)])


def test_what_is_there_needs_no_room(cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Hub({SMALL_FILE: CONTENT})) as hub:
        download(hub, cache, SMALL_FILE)
        made = len(CONTENT) // 2 + len(CONTENT)  # room for what is made of it
        monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=made))
        download(hub, cache, SMALL_FILE)
        os.truncate(os.path.join(cache, SMALL_FILE), 0)
        with pytest.raises(ModelError, match="are needed"):
            download(hub, cache, SMALL_FILE)


def test_a_failure_of_the_program_is_one_line(home: Home) -> None:
    with serving(Hub({WEIGHTS: CONTENT}, refuses=Refusal(500))) as hub:
        result = home.install(home.downloads, hub=hub.address, program=PROGRAM)
    assert_one_error(result, "the connection broke off", "500", progress=True)


def test_a_server_that_trickles_is_given_up_and_goes_on_later(
    cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LEAST_RATE_SECONDS", 0.5)
    with serving(Hub({WEIGHTS: CONTENT}, trickles=True)) as hub:
        with pytest.raises(
            NetworkError, match=r"only \d+ bytes a second came .* again to continue"
        ):
            download(hub, cache)
        assert len(hub.ranges) == 3  # as many attempts as at a server that sends nothing
        (part,) = os.listdir(cache)
        kept = os.path.getsize(os.path.join(cache, part))
        assert 0 < kept < 2000
        hub.trickles = False
        assert download(hub, cache) == CONTENT
        assert hub.ranges[-1] == f"bytes={kept}-"


@pytest.mark.parametrize("where", ["hub", "cdn", "redirect"])
def test_a_head_that_trickles_is_given_up(
    where: str, cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "HEAD_SECONDS", 0.5)
    with serving(Hub({WEIGHTS: CONTENT}, trickles_heads=where)) as hub:
        with pytest.raises(NetworkError, match=r"head .* in 0.5 s.* again to continue"):
            download(hub, cache)
        hub.trickles_heads = ""
        monkeypatch.setattr(heads, "HEAD_SECONDS", 60.0)
        assert download(hub, cache) == CONTENT


def test_a_body_that_comes_fast_enough_is_never_given_up(
    cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LEAST_RATE_SECONDS", 0.0)
    monkeypatch.setattr(connection, "LEAST_RATE", 0)
    with serving(Hub({WEIGHTS: CONTENT})) as hub:
        assert download(hub, cache) == CONTENT
