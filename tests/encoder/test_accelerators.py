"""The image tower on another device of onnxruntime's, for which a stand-in computes on the CPU."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from csearchd.encoder.devices.accelerators import seconds_a_picture
from csearchd.models.image_tower import OnnxTower
from encoder.encoder_process import Encoder
from models.tiny_model import make_tiny_model
from support.photos import write_photos

# onnxruntime with one more provider, which may compute something else, or not be there after all.
STAND_IN = """
import os, signal, sys, time
import numpy, onnxruntime
from csearchd.encoder import __main__, towers
from csearchd.encoder.devices import accelerators

class Session:
    def __init__(self, path, options, providers):
        self._providers = [providers[-1]] if {absent} else providers
        if "{refused}" and len(providers) > 1:
            raise RuntimeError("{refused}")
        self._trouble = "{trouble}" if len(providers) > 1 else ""
        if self._trouble == "crash at once":
            os.kill(os.getpid(), signal.SIGSEGV)
        self._other = {noise} if len(providers) > 1 else 0.0
        self._session = real(path, options, providers=providers[-1:])
    def get_providers(self):
        return self._providers
    def get_modelmeta(self):
        return self._session.get_modelmeta()
    def get_inputs(self):
        return self._session.get_inputs()
    def run(self, outputs, inputs):
        if self._trouble == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if self._trouble == "hang":
            time.sleep(1e6)
        (vectors,) = self._session.run(outputs, inputs)
        return [vectors + self._other * (vectors > 0)]

real, onnxruntime.InferenceSession = onnxruntime.InferenceSession, Session
providers = ["{provider}", "CPUExecutionProvider"]
onnxruntime.get_available_providers = lambda: providers
towers._TORCH_SECONDS = 0.0
accelerators.seconds_a_picture = lambda tower, pixels, threads: (
    0.01 if tower.shared else {seconds}
)
sys.modules["open_clip"] = None  # torch is another matter
__main__.main()
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "tiny"
    make_tiny_model(str(directory))
    return directory


@pytest.fixture
def pictures(tmp_path: Path) -> list[bytes]:
    return [os.fsencode(path) for path in write_photos(tmp_path, ("cat", "coffee"))]


def stand_in(**how: Any) -> str:
    """The program of an encoder that has a device."""
    given = {
        "provider": "OpenVINOExecutionProvider",
        "absent": False,
        "noise": 0.0,
        "refused": "",
        "seconds": 0.001,  # for a picture; the CPU takes 0.01
        "trouble": "",
        **how,
    }
    return STAND_IN.format(**given)


def encoder(model: Path, device: str, **how: Any) -> Encoder:
    return Encoder(model, device=device, program=("-c", stand_in(**how)))


def remarks(encoder: Encoder) -> list[str | None]:
    """What is remarked whenever a tower is ready."""
    ready = [message for message in encoder.log if message["op"] == "ready"]
    return [message["remark"] and message["remark"]["text"] for message in ready]


def vectors(encoder: Encoder, paths: list[bytes]) -> Any:
    return np.stack([encoder.vector(Path(os.fsdecode(path))) for path in paths])


@pytest.mark.parametrize(
    ("device", "provider"),
    [
        ("openvino", "OpenVINOExecutionProvider"),
        ("cuda", "CUDAExecutionProvider"),
        ("migraphx", "MIGraphXExecutionProvider"),
        ("rocm", "ROCMExecutionProvider"),
    ],
)
def test_a_device_is_used_that_was_asked_for(
    model: Path, pictures: list[bytes], device: str, provider: str
) -> None:
    with encoder(model, device, provider=provider) as on_device, Encoder(model) as on_cpu:
        assert np.allclose(vectors(on_device, pictures), vectors(on_cpu, pictures), atol=1e-3)
        assert on_device.arithmetic == ["onnx", device]
        assert remarks(on_device) == [None, None]


def test_a_device_is_used_that_is_there_once_there_is_enough_to_do(
    model: Path, pictures: list[bytes]
) -> None:
    with encoder(model, "auto") as running:
        while len(running.arithmetic) < 2:
            assert {result["op"] for result in running.run(pictures)} == {"encoded"}
        assert {result["op"] for result in running.run(pictures)} == {"encoded"}
        assert running.arithmetic == ["onnx", "openvino"]


@pytest.mark.parametrize("device", ["openvino", "auto"])
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"noise": 0.2}, "openvino gives other vectors than the CPU (cosine 0."),
        ({"noise": "numpy.nan"}, "openvino gives other vectors than the CPU (cosine nan)"),
        ({"refused": "places in a source\\n\\nno such operator"}, "(no such operator)"),
        ({"absent": True}, "onnxruntime can't load its OpenVINOExecutionProvider"),
    ],
)
def test_the_cpu_goes_on_where_a_device_is_of_no_use(
    model: Path, pictures: list[bytes], device: str, how: dict[str, Any], said: str
) -> None:
    with encoder(model, device, **how) as running, Encoder(model) as on_cpu:
        while len(running.arithmetic) < 2:
            assert {result["op"] for result in running.run(pictures)} == {"encoded"}
        assert np.array_equal(vectors(running, pictures), vectors(on_cpu, pictures))
        assert running.arithmetic == ["onnx", "onnx"]
        first, remark = remarks(running)
        assert first is None and remark and said in remark
        assert remark.endswith("; the CPU computes")


@pytest.mark.parametrize("seconds", [0.01, 0.02])
def test_the_cpu_goes_on_where_a_device_is_no_faster(
    model: Path, pictures: list[bytes], seconds: float
) -> None:
    with encoder(model, "auto", seconds=seconds) as running:
        while len(running.arithmetic) < 2:
            running.run(pictures)
        assert running.arithmetic == ["onnx", "onnx"]
        said = f"openvino would take {seconds * 1000} ms for a picture, the CPU takes 10.0 ms"
        assert said in str(remarks(running)[1])


def test_a_device_that_was_asked_for_is_not_timed(model: Path, pictures: list[bytes]) -> None:
    with encoder(model, "openvino", seconds=0.02) as running:
        vectors(running, pictures)
        assert running.arithmetic == ["onnx", "openvino"]


def test_the_time_of_a_picture_is_measured(model: Path) -> None:
    tower = OnnxTower(str(model))
    pixels = np.zeros((2, 64, 64, 3), np.uint8)
    one, two = (seconds_a_picture(tower, pixels, threads) for threads in (1, 1000))
    assert 0 < two < one


def test_a_device_that_onnxruntime_lacks_is_said(model: Path, pictures: list[bytes]) -> None:
    with encoder(model, "rocm") as running:
        vectors(running, pictures)
        assert running.arithmetic == ["onnx", "onnx"]
        assert "onnxruntime-rocm in onnxruntime's place" in str(remarks(running)[1])


def test_a_gpu_needs_a_provider_or_torch(model: Path, pictures: list[bytes]) -> None:
    with encoder(model, "cuda") as running:
        with pytest.raises(AssertionError, match="needs onnxruntime-gpu in onnxruntime's place"):
            running.run(pictures)
        assert running.process.wait(60) == 1
