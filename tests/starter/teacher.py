"""What the teacher sees: its pooled feature for every stored crop of every training photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from crops import cut, random_box
from photos import Pack

FEATURES = 1280
SIDE = 224
MODEL = "teacher/tf2_mobilenet_v2_1.0_224_ptq.tflite"


class Teacher:
    """MobileNetV2 on ImageNet, read through LiteRT: only its outputs are ever used."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._net = Interpreter(str(path), experimental_preserve_all_tensors=True, num_threads=1)
        self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]["index"]
        pooled = [
            t
            for t in self._net.get_tensor_details()
            if list(t["shape"]) == [1, 1, 1, FEATURES] and t["dtype"] == np.int8
        ]
        self._pooled = pooled[-1]["index"]

    def feature(self, pixels: np.ndarray) -> np.ndarray:
        """The pooled feature as the teacher's own int8 numbers (128 is taken off)."""
        self._net.set_tensor(self._input, np.ascontiguousarray(pixels)[None])
        self._net.invoke()
        return self._net.get_tensor(self._pooled).reshape(FEATURES)


def run_pass(pack_dir: Path, data: Path, out: Path, number: int) -> None:
    """Draw one crop for every photo and keep its box and the teacher's feature.

    Pass 0 is the whole photo: what an index will be made from.
    """
    done = out / f"crops{number}.npz"
    if done.exists():
        return
    pack, teacher = Pack(pack_dir), Teacher(data / MODEL)
    rng = np.random.default_rng(1000 + number)
    boxes = np.zeros((len(pack), 4), np.float32)
    flips = np.zeros(len(pack), bool)
    features = np.zeros((len(pack), FEATURES), np.int8)
    for i, (height, width) in enumerate(pack.shapes):
        boxes[i] = random_box(width, height, rng) if number else (0, 0, width, height)
        flips[i] = number > 0 and rng.random() < 0.5
        features[i] = teacher.feature(
            cut(pack.image(i), tuple(boxes[i].tolist()), SIDE, bool(flips[i]))
        )
    part = out / f"part{number}.npz"
    np.savez(part, boxes=boxes, flips=flips, features=features)
    part.rename(done)
