"""The encoder process, driven over a socket as the daemon drives it."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data as photos

from csearch.protocol.system_errors import in_words
from csearchd.encoder.messages import Limits
from csearchd.models.installed import IMAGE_TOWER
from csearchd.system.child_process import INITIAL_NICENESS, LOWEST_NICENESS
from encoder.encoder_process import LIMITS, Encoder
from models.tiny_model import make_tiny_model

PHOTOS = {
    "astronaut": photos.astronaut,
    "cat": photos.chelsea,
    "coffee": photos.coffee,
    "rocket": photos.rocket,
}
UNKNOWN = "is no picture in a format that csearch reads (csearchctl help formats)"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("model")
    make_tiny_model(str(directory))
    (directory / IMAGE_TOWER).unlink()  # so that torch computes
    return directory


@pytest.fixture(scope="module")
def shared(model: Path) -> Iterator[Encoder]:
    """One encoder for the tests that leave it as it was."""
    with Encoder(model) as encoder:
        yield encoder
        assert encoder.process.poll() is None


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.fromarray(photos.astronaut()).save(path, quality=95)
    return path


def unlike(a: Any, b: Any) -> float:
    return 1 - float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_vectors_are_open_clips(model: Path, shared: Encoder, tmp_path: Path) -> None:
    import open_clip
    import torch

    tower, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{model}")
    tower.eval()
    worst = {"PNG": 0.0, "JPEG": 0.0}
    for name, load in PHOTOS.items():
        image = Image.fromarray(load())
        for format in worst:  # a JPEG of this size is decoded at a reduced scale
            path = tmp_path / f"{name}.{format.lower()}"
            image.save(path, format, quality=95)
            with torch.inference_mode():
                theirs = tower.encode_image(preprocess(Image.open(path))[None])[0].numpy()
            ours = shared.vector(path)
            assert abs(np.linalg.norm(ours) - 1) < 2e-3
            worst[format] = max(worst[format], unlike(ours, theirs))
    assert worst["PNG"] < 1e-4  # float32 or bf16
    assert worst["JPEG"] < 1e-3


def test_orientation_is_applied(shared: Encoder, photo: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned, plain = tmp_path / "turned.png", tmp_path / "plain.png"
    image = Image.open(photo).resize((256, 200), box=(0, 0, 512, 400))
    image.save(plain)
    image.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    assert unlike(shared.vector(plain), shared.vector(turned)) < 1e-5


def test_messages_of_a_picture(model: Path, photo: Path) -> None:
    with Encoder(model) as encoder:
        (result,) = encoder.run([bytes(photo)])
        info = photo.stat()
        assert [m["op"] for m in encoder.log if m.get("job") == 1] == [
            "started", "identified", "decoding", "decoded", "encoded",
        ]  # fmt: skip
        (ready,) = [m for m in encoder.log if m["op"] == "ready"]
        assert ready["arithmetic"] in ("float32", "bf16")
        assert (result["scheme"], len(result["identity"])) == (1, 16)
        assert (result["format"], result["width"], result["height"]) == ("JPEG", 512, 512)
        assert (result["size"], result["mtime_ns"]) == (info.st_size, info.st_mtime_ns)
        assert (result["ctime_ns"], result["inode"]) == (info.st_ctime_ns, info.st_ino)
        assert len(result["vector"]) == 2 * 64


def test_known_pictures_cost_no_torch(model: Path, photo: Path) -> None:
    with Encoder(model, wanted=lambda found: False) as encoder:
        results = encoder.run([bytes(photo)] * 20)
        assert {r["op"] for r in results} == {"identified"}
        assert len({r["identity"] for r in results}) == 1
        maps = Path(f"/proc/{encoder.process.pid}/maps").read_text()
        assert "libtorch" not in maps and "PIL" in maps


def test_many_pictures_overlap(model: Path, photo: Path, tmp_path: Path) -> None:
    paths = []
    for number in range(100):
        path = tmp_path / f"{number}.jpg"
        Image.fromarray(photos.chelsea()).rotate(number).save(path)
        paths.append(bytes(path))
    with Encoder(model) as encoder:
        results = encoder.run([*paths, *paths[:10]])
        assert {r["op"] for r in results} == {"encoded"}
        assert len({r["identity"] for r in results}) == 100
        for first, second in zip(results[:10], results[100:], strict=True):
            assert first["identity"] == second["identity"]


def test_odd_names(shared: Encoder, photo: Path, tmp_path: Path) -> None:
    for name in (b"a\nb.jpg", b"'\"$(x).jpg", b"\xff\xfe.jpg", b" .jpg", b"n" * 250 + b".jpg"):
        path = os.path.join(bytes(tmp_path), name)
        shutil.copyfile(bytes(photo), path)
        assert shared.run([path])[0]["op"] == "encoded"


def bad_files(directory: Path, photo: bytes) -> dict[str, str]:
    """Makes files that are no pictures. Their names, and a part of the reason each fails for."""
    files = {
        "empty.jpg": (b"", "is empty"),
        "text.jpg": (b"Dear diary,\n" * 99, UNKNOWN),
        "postscript.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n", UNKNOWN),
        "binary.png": (os.urandom(5000), UNKNOWN),
        "head.jpg": (photo[:100], "truncated"),
        "damaged.png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 500, "damaged"),
    }
    for name, (content, _) in files.items():
        (directory / name).write_bytes(content)
    reasons = {name: reason for name, (_, reason) in files.items()}
    os.mkfifo(directory / "fifo.jpg")
    (directory / "directory.jpg").mkdir()
    reasons |= {"fifo.jpg": "is not a regular file", "directory.jpg": "is not a regular file"}
    (directory / "link.jpg").symlink_to("photo.jpg")
    (directory / "circle.jpg").symlink_to("circle.jpg")
    reasons |= {"link.jpg": "is a symbolic link", "circle.jpg": "is a symbolic link"}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "socket.jpg"))
    reasons["socket.jpg"] = "is not a regular file"
    if os.geteuid() == 0:
        try:
            os.mknod(directory / "device.jpg", stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero
            reasons["device.jpg"] = "is not a regular file"
        except OSError:
            pass  # a container without the right to
    else:
        (directory / "secret.jpg").write_bytes(photo)
        (directory / "secret.jpg").chmod(0)
        denied = OSError(errno.EACCES, os.strerror(errno.EACCES))
        reasons["secret.jpg"] = f"cannot be read: {in_words(denied)}"
    return reasons


def test_bad_files_cost_only_themselves(shared: Encoder, photo: Path, tmp_path: Path) -> None:
    reasons = bad_files(tmp_path, photo.read_bytes())
    good = []
    for number in range(5):
        good.append(tmp_path / f"good{number}.png")
        Image.fromarray(photos.coffee()).rotate(number).save(good[-1])
    names = [*reasons, *(path.name for path in good)]
    results = shared.run([bytes(tmp_path / name) for name in names])
    for name, result in zip(names, results, strict=True):
        if name in reasons:
            assert result["op"] == "failed" and not result["changed"], name
            said = result["reason"]["text"]
            assert reasons[name] in said, (name, said)
            assert "\n" not in said and "Traceback" not in said
        else:
            assert result["op"] == "encoded", (name, result)


def test_what_a_failure_says(shared: Encoder, tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_bytes(b"hello")
    (result,) = shared.run([bytes(text)])
    assert len(result["identity"]) == 16 and result["scheme"] == 1
    assert result["inode"] == text.stat().st_ino and result["size"] == 5
    assert shared.run([bytes(tmp_path / "none.jpg")])[0]["changed"] is True
    assert shared.run([bytes(text / "none.jpg")])[0]["changed"] is True


def _one_bit_png(width: int, height: int) -> bytes:
    """A black PNG of one bit a pixel, made without its pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    squeeze = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    lines = b"".join(squeeze.compress(row * 100) for _ in range(height // 100)) + squeeze.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def test_limits(model: Path, photo: Path, tmp_path: Path) -> None:
    huge = tmp_path / "huge.png"
    huge.write_bytes(_one_bit_png(30_000, 30_000))
    large = tmp_path / "large.png"
    large.write_bytes(_one_bit_png(12_000, 12_000))
    thick = tmp_path / "thick.jpg"
    thick.write_bytes(photo.read_bytes() + bytes(3_000_000))
    limits = Limits(pixels=300_000_000, bytes=2_000_000, memory=200_000_000)
    with Encoder(model, limits) as encoder:
        begin = time.monotonic()
        assert encoder.reason(huge) == (
            "30000×30000 pixels are more than the limit of 300 million "
            "(encode.max_pixels in the configuration)"
        )
        assert "encode.max_memory" in encoder.reason(large)
        assert not encoder.imported("libtorch")  # nothing is to be encoded
        limit = "more than the limit of 2.0 MB (encode.max_bytes in the configuration)"
        assert encoder.reason(thick).endswith(limit)
        assert time.monotonic() - begin < 20
        peak = Path(f"/proc/{encoder.process.pid}/status").read_text()
        assert int(peak.split("VmHWM:")[1].split()[0]) < 300_000  # kB; torch was not loaded
        assert encoder.run([bytes(photo)])[0]["op"] == "encoded"


def test_extreme_shapes(shared: Encoder, tmp_path: Path) -> None:
    for width, height in ((1, 1), (1, 20_000), (20_000, 1)):
        path = tmp_path / f"{width}x{height}.png"
        Image.new("RGB", (width, height), (90, 90, 200)).save(path)
        shared.vector(path)


def test_a_file_that_changes_meanwhile(model: Path, tmp_path: Path) -> None:
    from csearchd.errors import UnreadableError
    from csearchd.system.files import open_file, read_file

    for change in (b"more", None):
        path = tmp_path / f"{change!r}.jpg"
        path.write_bytes(b"x" * 1000)
        fd, file = open_file(bytes(path), 1 << 20)
        if change is None:
            os.truncate(path, 10)
        else:
            with path.open("ab") as stream:
                stream.write(change)
        with pytest.raises(UnreadableError) as error:
            read_file(fd, file)
        assert error.value.changed and error.value.file is not None
        assert error.value.file.size == path.stat().st_size
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)


def test_a_hostile_picture_hits_the_memory_limit(model: Path, tmp_path: Path, photo: Path) -> None:
    """A file of a few kilobytes whose decoding would take half a gigabyte: nothing else suffers."""
    stream = io.BytesIO()
    Image.new("RGB", (6000, 6000)).save(stream, "WEBP", lossless=True, quality=0, method=0)
    path = tmp_path / "canvas.webp"
    path.write_bytes(stream.getvalue())
    with Encoder(model, Limits(pixels=1 << 30, bytes=1 << 30, memory=100 << 20)) as encoder:
        assert "encode.max_memory" in encoder.reason(path)
        assert encoder.run([bytes(photo)])[0]["op"] == "encoded"


@pytest.mark.parametrize("busy", [False, True])
def test_it_ends_with_the_daemon(model: Path, photo: Path, busy: bool) -> None:
    encoder = Encoder(model)
    if busy:
        encoder.run([bytes(photo)])
        for job in range(100, 160):
            encoder.send({"op": "read", "job": job, "path": bytes(photo)})
    begin = time.monotonic()
    encoder.socket.close()
    assert encoder.process.wait(60) == 0
    assert time.monotonic() - begin < 2


def test_it_is_a_quiet_neighbour(model: Path, photo: Path) -> None:
    with Encoder(model, wanted=lambda found: False, quiet=True) as encoder:
        encoder.run([bytes(photo)])
        pid = encoder.process.pid
        assert priorities(pid) == {INITIAL_NICENESS}
        assert os.sched_getscheduler(pid) == os.SCHED_BATCH
        assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "1000"
        encoder.process.send_signal(signal.SIGINT)
        assert encoder.run([bytes(photo)])[0]["op"] == "identified"


def test_with_many_pictures_it_steps_back(model: Path, photo: Path) -> None:
    with Encoder(model, wanted=lambda found: False, quiet=True) as encoder:
        encoder.run([bytes(photo)] * 5)
        assert priorities(encoder.process.pid) == {INITIAL_NICENESS}
        encoder.run([bytes(photo)])
        assert priorities(encoder.process.pid) == {LOWEST_NICENESS}


@pytest.mark.skipif(
    not Path("/proc/self/autogroup").exists(), reason="needs CONFIG_SCHED_AUTOGROUP"
)
def test_its_session_steps_back_too() -> None:
    """However soon: but for root the kernel takes one change in a tenth of a second."""
    code = """if True:
        import ctypes, os
        from csearchd.system.child_process import enter_background, use_lowest_priority
        if os.geteuid() == 0:
            os.setuid(65534)
            ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: /proc/self stays its own
        enter_background(3, True)
        use_lowest_priority()
        print(open("/proc/self/autogroup").read())
    """
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, start_new_session=True, check=True, capture_output=True)
    assert done.stdout.split()[1:] == [b"nice", b"%d" % LOWEST_NICENESS]


def priorities(pid: int) -> set[int]:
    """Those of a process' threads."""
    threads = os.listdir(f"/proc/{pid}/task")
    return {os.getpriority(os.PRIO_PROCESS, int(thread)) for thread in threads}


def test_a_model_that_is_none(tmp_path: Path, model: Path, photo: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    weights = broken / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    for directory in (empty, broken):
        with Encoder(directory) as encoder:
            with pytest.raises(AssertionError, match=str(directory)):
                encoder.run([bytes(photo)])
            assert encoder.process.wait(60) == 1


def test_it_says_when_the_daemon_talks_rubbish(model: Path) -> None:
    with Encoder(model) as encoder:
        encoder.send({"op": "dance"})
        with pytest.raises(EOFError):
            while True:
                encoder.receive()
        assert encoder.process.wait(60) != 0


def test_default_limits_are_those_of_a_message() -> None:
    from csearchd.encoder.messages import Settings

    settings = Settings("/model", LIMITS, 2, "auto")
    assert Settings.from_message(settings.to_message()) == settings
