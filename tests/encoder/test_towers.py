"""Which image tower computes: the exported one without torch, torch's when it pays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data as photos

from csearchd.encoder import pool as pool_module
from csearchd.encoder import towers
from csearchd.encoder.messages import Settings
from csearchd.encoder.pool import Pool
from csearchd.encoder.torch_tower import load_visual
from csearchd.errors import EncoderUnusable
from csearchd.library.contents import Job
from csearchd.models.installed import (
    CONFIG,
    IMAGE_TOWER,
    WEIGHTS,
    file_checksum,
    load_model,
    starter_directory,
    write_description,
)
from encoder.encoder_process import LIMITS, Encoder
from models.tiny_model import TINY_CONFIGURATION, make_tiny_model, make_tiny_weights

# An encoder in which torch pays from the first picture on, whatever the machine.
EAGER = """
from csearchd.encoder import __main__, towers
towers._TORCH_SECONDS = 0.0
towers.torch_pays = lambda device, arithmetic: True
{}
__main__.main()
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "ödd näme"
    make_tiny_model(str(directory))
    return directory


@pytest.fixture
def copy(model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model, tmp_path / "copy"))


@pytest.fixture
def pictures(tmp_path: Path) -> list[bytes]:
    paths = []
    for number, load in enumerate((photos.astronaut, photos.chelsea, photos.coffee)):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(load()).save(paths[-1])
    return [bytes(path) for path in paths]


def vectors(encoder: Encoder, paths: list[bytes]) -> NDArray[np.float32]:
    return np.stack([encoder.vector(Path(os.fsdecode(path))) for path in paths])


def least_cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / lengths).min())


def test_a_picture_costs_no_torch(model: Path, pictures: list[bytes]) -> None:
    import open_clip
    import torch

    clip, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{model}")
    clip.eval()
    images = torch.stack([preprocess(Image.open(os.fsdecode(path))) for path in pictures])
    with torch.inference_mode():
        theirs = clip.encode_image(images).numpy()
    with Encoder(model) as encoder:
        ours = vectors(encoder, pictures)
        assert encoder.arithmetic == ["onnx"]
        assert encoder.imported("onnxruntime") and not encoder.imported("libtorch")
        limits = Path(f"/proc/{encoder.process.pid}/limits").read_text()
        assert "Max data size             unlimited" not in limits
    assert least_cosine(ours, theirs) > 0.9999
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=2e-3)


def test_torch_takes_over_when_it_pays(model: Path, pictures: list[bytes]) -> None:
    with Encoder(model, program=("-c", EAGER.format(""))) as encoder:
        before = vectors(encoder, pictures)
        assert encoder.arithmetic[0] == "onnx"
        begin = time.monotonic()
        while len(encoder.arithmetic) < 2 and time.monotonic() - begin < 100:
            assert {result["op"] for result in encoder.run(pictures * 10)} == {"encoded"}
        after = vectors(encoder, pictures)
        assert encoder.arithmetic[1:] in (["bf16"], ["float32"])
        assert encoder.imported("libtorch")
    assert least_cosine(before, after) > 0.999


def test_the_exported_tower_goes_on_without_torch(model: Path, pictures: list[bytes]) -> None:
    broken = "import sys; sys.modules['open_clip'] = None  # can't be imported"
    with Encoder(model, program=("-c", EAGER.format(broken))) as encoder:
        for _ in range(3):
            assert {result["op"] for result in encoder.run(pictures * 10)} == {"encoded"}
        assert set(encoder.arithmetic) == {"onnx"}


# The machine has a GPU and torch can't use it, whether it knows that or not.
GPU = """
import os
os.environ["CUDA_VISIBLE_DEVICES"] = os.environ["HIP_VISIBLE_DEVICES"] = ""
import torch
torch.cuda.is_available = lambda: {}
from csearchd.encoder import __main__, towers
towers._TORCH_SECONDS = 0.0
towers._GPUS = ("/dev/null",)
towers.has_bf16 = lambda: False
__main__.main()
"""


@pytest.mark.parametrize("seen", [True, False])
def test_without_a_usable_gpu_the_exported_tower_goes_on(
    model: Path, pictures: list[bytes], seen: bool
) -> None:
    """Torch on the CPU would be no faster there."""
    with Encoder(model, device="auto", program=("-c", GPU.format(seen))) as encoder:
        while len(encoder.arithmetic) < 2:  # until torch has failed
            assert {result["op"] for result in encoder.run(pictures * 10)} == {"encoded"}
        assert {result["op"] for result in encoder.run(pictures)} == {"encoded"}
        assert set(encoder.arithmetic) == {"onnx"}


def test_without_a_usable_gpu_torch_uses_the_cpu(copy: Path, pictures: list[bytes]) -> None:
    (copy / IMAGE_TOWER).unlink()
    with Encoder(copy, device="auto", program=("-c", GPU.format(True))) as encoder:
        vectors(encoder, pictures)
        assert encoder.arithmetic in (["bf16"], ["float32"])


def test_a_gpu_that_was_asked_for_and_cannot_be_used_is_said(
    model: Path, pictures: list[bytes]
) -> None:
    with Encoder(model, device="cuda", program=("-c", GPU.format(True))) as encoder:
        with pytest.raises(AssertionError, match="the GPU can't be used"):
            encoder.run(pictures)
        assert encoder.process.wait(60) == 1


def test_no_picture_is_blamed_for_torch(
    model: Path, pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading torch takes memory: it may be what the system ends the encoder for."""
    crash = "import os; towers.ImageTower = lambda *arguments: os._exit(9)"
    program = EAGER.format(crash).replace("__main__.main()", "")
    (tmp_path / "sitecustomize.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    pool = Pool(Settings(str(model), LIMITS, 2, "cpu"), 60)
    wake, other = os.pipe()
    for number, path in enumerate(pictures * 5):
        info = os.stat(path)
        seen = info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino
        pool.submit(Job(number, 1, os.path.basename(path), seen, 0), path)
    events = []
    try:
        while pool.busy:
            for event in pool.poll(1, wake):
                events.append(event.op)
                if event.op == "identified":
                    pool.answer(event.job, "encode")
    except EncoderUnusable as error:
        events.append(str(error))
    finally:
        pool.close()
        os.close(wake)
        os.close(other)
    assert "failed" not in events
    ended = "ended (exit status 9) while it loaded the model"
    assert events[-1] in ("encoded", f"the program that reads pictures {ended}")


# An encoder that ends while it loads its first tower and decodes a picture, the first times.
ENDING = """
import os, threading
from csearchd.encoder import __main__, decode, towers
decoding = threading.Event()
first, decode_it = towers.Towers._first, decode.Decoder.decode
with open({ends!r}, "a") as file:
    file.write("x")
    doomed = file.tell() <= {times}
def load(self):
    if doomed:
        decoding.wait()
        os._exit(9)
    return first(self)
def wait(self, data, info):
    decoding.set()
    if doomed:
        threading.Event().wait()
    return decode_it(self, data, info)
towers.Towers._first, decode.Decoder.decode = load, wait
__main__.main()
"""


@pytest.mark.parametrize(("times", "outcome"), [(1, "encoded"), (3, "encoded"), (4, "failed")])
def test_no_picture_is_blamed_at_once_for_the_first_tower(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, outcome: str
) -> None:
    """One that crashes the decoder meanwhile does so again."""
    program = ENDING.format(ends=str(tmp_path / "ends"), times=times)

    def start(module: str, fd: int, urgent: bool) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", program, str(fd), "urgent"]
        return subprocess.Popen(command, pass_fds=[fd], env=environment, start_new_session=True)

    monkeypatch.setattr(pool_module, "start", start)
    photo = tmp_path / "photo.jpg"
    Image.fromarray(photos.coffee()).save(photo)
    pool = Pool(Settings(str(model), LIMITS, 2, "cpu"), 60)
    never = os.eventfd(0)
    pool.submit(Job(1, 1, b"", (0, 0, 0, 0), 0), os.fsencode(photo))
    try:
        while pool.busy:
            for event in pool.poll(1, never):
                last = event
                if event.op == "identified":
                    pool.answer(event.job, "encode")
    finally:
        pool.close()
        os.close(never)
    assert last.op == outcome
    if outcome == "failed":
        assert str(last.reason) == "the program that decodes pictures crashed on it (exit status 9)"


def test_an_image_tower_of_other_weights_is_not_used(copy: Path, pictures: list[bytes]) -> None:
    configuration = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 64, "layers": 1, "width": 64, "head_width": 32},
        "text_cfg": {"width": 64, "heads": 2, "layers": 3},
    }
    make_tiny_weights(str(copy), configuration)
    model = load_model(str(copy))
    sums = {
        **model.checksums,
        **{name: file_checksum(str(copy / name)) for name in (CONFIG, WEIGHTS)},
    }
    write_description(replace(model, checksums=sums))
    with Encoder(copy) as encoder:
        vectors(encoder, pictures)
        assert encoder.arithmetic in (["bf16"], ["float32"])


@pytest.mark.parametrize("change", ["gone", "damaged"])
def test_without_a_usable_image_tower_torch_begins(
    copy: Path, pictures: list[bytes], change: str
) -> None:
    if change == "gone":
        (copy / IMAGE_TOWER).unlink()
    else:
        os.truncate(copy / IMAGE_TOWER, 1000)
    with Encoder(copy) as encoder:
        vectors(encoder, pictures)
        assert encoder.arithmetic in (["bf16"], ["float32"])


def test_damaged_weights_are_reported(copy: Path, pictures: list[bytes]) -> None:
    os.truncate(copy / WEIGHTS, 50_000)
    with Encoder(copy) as encoder:
        with pytest.raises(AssertionError, match=r"safetensors is damaged; .*model remove copy"):
            encoder.run(pictures)
        assert encoder.process.wait(60) == 1


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose image tower is worth 8-bit weights."""
    directory = tmp_path_factory.mktemp("models") / "large"
    vision = {"image_size": 64, "layers": 6, "width": 512, "head_width": 64, "patch_size": 16}
    make_tiny_model(str(directory), {**TINY_CONFIGURATION, "vision_cfg": vision})
    return directory


def test_a_large_tower_has_8_bit_weights(large: Path, pictures: list[bytes]) -> None:
    import open_clip
    import torch

    clip, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{large}")
    clip.eval()
    images = torch.stack([preprocess(Image.open(os.fsdecode(path))) for path in pictures])
    with torch.inference_mode():
        theirs = clip.encode_image(images).numpy()
    with Encoder(large) as encoder:
        ours = vectors(encoder, pictures)
        (arithmetic,) = encoder.arithmetic
    assert least_cosine(ours, theirs) > 0.999
    assert arithmetic in ("int8", "onnx")
    if arithmetic == "int8":  # where it is faster, which not every processor is with 8 bits
        assert os.path.getsize(large / IMAGE_TOWER) < os.path.getsize(large / WEIGHTS) * 0.7


@pytest.mark.parametrize("architecture", ["transformer", "starter"])
def test_the_image_tower_alone_is_that_of_the_whole_model(model: Path, architecture: str) -> None:
    import open_clip
    import torch

    directory = str(model) if architecture == "transformer" else starter_directory()
    whole = open_clip.create_model(f"local-dir:{directory}").visual.eval()
    alone = load_visual(directory)
    size = open_clip.create_model(f"local-dir:{directory}").visual.image_size
    picture = torch.rand(1, 3, *(size if isinstance(size, tuple) else (size, size)))
    with torch.inference_mode():
        assert torch.equal(alone(picture), whole(picture))
    assert not any(tensor.is_meta for tensor in (*alone.parameters(), *alone.buffers()))


def test_torch_pays_where_it_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(towers, "has_bf16", lambda: False)
    monkeypatch.setattr(towers, "_GPUS", ("/dev/null",))
    assert towers.torch_pays("auto", "int8") and not towers.torch_pays("cpu", "onnx")
    assert not towers.torch_pays("auto", "cuda")
    monkeypatch.setattr(towers, "_GPUS", ("/dev/none",))
    assert not towers.torch_pays("auto", "onnx")
    monkeypatch.setattr(towers, "has_bf16", lambda: True)
    assert towers.torch_pays("auto", "onnx") and not towers.torch_pays("auto", "int8")
