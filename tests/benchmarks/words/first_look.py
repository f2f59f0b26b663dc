"""Makes the network of the first look: the detection network, with its convolutions in 8 bits.

    python tests/benchmarks/words/first_look.py [--photos DIR] OUTPUT

needs the extra `torch` (for onnx). It is calibrated with made pictures, and with photos where a
directory of some is given. Weights have 7 bits, since processors without VNNI add products of 8
bits with saturation.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import onnx
import pictures
from numpy.typing import NDArray
from onnx import version_converter
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

from csearchd.reader import networks
from csearchd.reader.detection import normalised

_SIZE = (320, 320)
_PHOTOS = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    photos = sorted(arguments.photos.rglob("*.jpg")) if arguments.photos else []
    with tempfile.TemporaryDirectory() as directory:
        newer, prepared = f"{directory}/newer.onnx", f"{directory}/prepared.onnx"
        onnx.save(version_converter.convert_version(onnx.load(networks.DETECTION), 17), newer)
        quant_pre_process(newer, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            arguments.output,
            _Examples(_examples(photos)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=["Conv"],
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )


class _Examples(CalibrationDataReader):
    def __init__(self, images: Iterator[Image.Image]) -> None:
        self._images = images

    def get_next(self) -> dict[str, NDArray[object]] | None:
        image = next(self._images, None)
        return {"x": normalised(image.resize(_SIZE))[None]} if image else None


def _examples(photos: list[Path]) -> Iterator[Image.Image]:
    for made in pictures.every(1, photos):
        yield made.image
    for path in photos[:: max(1, len(photos) // _PHOTOS)][:_PHOTOS]:
        yield Image.open(path).convert("RGB")


if __name__ == "__main__":
    main()
