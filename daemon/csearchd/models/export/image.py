"""Writes open_clip's image tower as an ONNX graph that reads the model's own weights. Needs torch.

The graph holds no weights, but says where each tensor lies in `open_clip_model.safetensors`:
`image.onnx` adds a few hundred kilobytes to a model, not a second copy of its tower, and
onnxruntime maps the file that torch would read. For a large transformer it is a graph with 8-bit
weights of its own instead: a quarter of the memory, and four times as many pictures where the CPU
multiplies 8-bit numbers (ViT-B-32-256: 32 ms a picture on one core, not 130; torch's bf16 65).
"""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import onnx
import onnxruntime
import safetensors
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic

from csearchd.models.export.text import forget_sources, quiet
from csearchd.models.export.transformer import image_graph, is_plain_image_tower
from csearchd.models.image_tower import ARITHMETIC, HEADER, header_checksum, read_header
from csearchd.models.installed import IMAGE_TOWER, WEIGHTS
from csearchd.models.preprocess import Preprocess

_TYPES = {
    "F32": onnx.TensorProto.FLOAT,
    "F16": onnx.TensorProto.FLOAT16,
    "BF16": onnx.TensorProto.BFLOAT16,
}
_LARGE = 64 << 20  # bytes of float weights; a smaller tower gains little by 8-bit ones
_MOST = 1024  # pictures in a batch: the exporter wants to know


class ImageBranch(torch.nn.Module):  # type: ignore[misc]
    """open_clip's image tower from pixels on: uint8 (n, height, width, 3) to float32 unit vectors
    (n, dimensions)."""

    def __init__(self, model: Any, preprocess: Preprocess) -> None:
        super().__init__()
        self.visual = model.visual  # by open_clip's name, so that weights have theirs
        self.register_buffer("pixels_mean", torch.tensor(preprocess.mean) * 255)
        self.register_buffer("pixels_std", torch.tensor(preprocess.std) * 255)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = (pixels.float() - self.pixels_mean) / self.pixels_std
        vectors = self.visual(x.permute(0, 3, 1, 2))
        if isinstance(vectors, tuple):
            vectors = vectors[0]  # pooled, tokens
        return torch.nn.functional.normalize(vectors, dim=-1)


def write_image_tower(branch: ImageBranch, preprocess: Preprocess, directory: str) -> None:
    """Writes `image.onnx` beside the weights. Raises whatever torch's exporter does."""
    pixels = torch.zeros(2, preprocess.height, preprocess.width, 3, dtype=torch.uint8)
    count = torch.export.Dim("count", min=1, max=_MOST)
    with quiet(), torch.inference_mode():
        program = torch.onnx.export(
            branch,
            (pixels,),
            input_names=["pixels"],
            output_names=["vectors"],
            dynamic_shapes={"pixels": {0: count}},
            dynamo=True,
            optimize=False,  # would compute new weights from those that the model has
            verbose=False,
        )
    model = program.model_proto
    forget_sources(model)
    _refer_to_weights(model, os.path.join(directory, WEIGHTS))
    with open(os.path.join(directory, IMAGE_TOWER), "wb") as file:
        file.write(model.SerializeToString())


def write_quantised_image_tower(
    visual: Any, preprocess: Preprocess, directory: str, target: str, *, portable: bool
) -> bool:
    """Writes the tower `visual`, which is that of `image.onnx` in `directory`, to the directory
    `target`, with 8-bit weights where it multiplies matrices. Returns False, and writes nothing,
    where that makes little of it smaller (small towers, convolutions).

    `portable` as in onnx_text.write_quantised. Raises what onnx and onnxruntime do, for a tower
    beyond 2 GB above all.
    """
    size = 4 * sum(parameter.numel() for parameter in visual.parameters())
    if size < _LARGE:
        return False
    if is_plain_image_tower(visual):
        model = image_graph(visual, preprocess, unsigned=portable)
    else:
        model = _converted(directory, target, portable)
    if model.ByteSize() > size // 2:
        return False
    header = header_checksum(read_header(os.path.join(directory, WEIGHTS)))
    model.metadata_props.add(key=HEADER, value=header)
    model.metadata_props.add(key=ARITHMETIC, value="int8")
    onnx.save(model, os.path.join(target, IMAGE_TOWER))
    return True


def _converted(directory: str, scratch: str, portable: bool) -> onnx.ModelProto:
    """The graph of `image.onnx` in `directory`, whatever it is, with 8-bit weights."""
    plain, small = os.path.join(scratch, "folded.onnx"), os.path.join(scratch, "small.onnx")
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = plain  # with its weights inside, and casts of them done
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    source = os.path.join(directory, IMAGE_TOWER)
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    with quiet():
        quantize_dynamic(
            plain,
            small,
            per_channel=True,
            weight_type=QuantType.QUInt8 if portable else QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gemm"],
        )
    model = onnx.load(small)
    forget_sources(model)
    for path in (plain, small):
        os.remove(path)
    return model


def sample_pixels(preprocess: Preprocess) -> NDArray[np.uint8]:
    """32 pictures to compare towers by, uint8 (32, height, width, 3): from flat ones over rough
    blots to noise, each in three channels that differ."""
    random = np.random.default_rng(0)
    height, width = preprocess.height, preprocess.width
    pictures = []
    for number in range(32):
        cells = 1 + number * number * min(height, width) // (31 * 31)
        rough = random.integers(0, 256, (cells, cells, 3), np.uint8)
        rows, columns = np.arange(height) * cells // height, np.arange(width) * cells // width
        pictures.append(rough[rows][:, columns])
    return np.stack(pictures)


def _refer_to_weights(model: onnx.ModelProto, path: str) -> None:
    """Replaces each tensor that is in the safetensors file at `path` by its place there."""
    header = read_header(path)
    model.metadata_props.add(key=HEADER, value=header_checksum(header))
    tensors, start = json.loads(header), 8 + len(header)
    casts = []
    with safetensors.safe_open(path, "pt") as weights:
        for tensor in model.graph.initializer:
            entry = tensors.get(tensor.name)
            if entry is None or entry["dtype"] not in _TYPES:
                continue
            stored = weights.get_tensor(tensor.name).float()
            value = torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
            if not torch.equal(stored, value):
                continue
            begin, end = entry["data_offsets"]
            tensor.ClearField("raw_data")
            tensor.data_type = _TYPES[entry["dtype"]]
            tensor.data_location = onnx.TensorProto.EXTERNAL
            place = {"location": WEIGHTS, "offset": start + begin, "length": end - begin}
            for key, item in place.items():
                tensor.external_data.add(key=key, value=str(item))
            if tensor.data_type != onnx.TensorProto.FLOAT:
                name, tensor.name = tensor.name, f"{tensor.name}.stored"
                cast = onnx.helper.make_node(
                    "Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT
                )
                casts.append(cast)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
