"""Writes open_clip's image tower as an ONNX graph. Needs torch.

In float32 the graph refers to the tensors in `open_clip_model.safetensors`, so that `image.onnx`
has a few hundred kilobytes, and onnxruntime maps the file that torch would read. A large tower gets
8-bit weights of its own instead: it takes a quarter of the memory, and encodes four times as many
pictures if the CPU multiplies 8-bit numbers (ViT-B-32-256 on one core: 32 ms a picture instead of
130; torch in bf16 takes 65).
"""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any

import numpy as np
import onnx
import onnxscript.optimizer
import safetensors
import torch
from numpy.typing import NDArray

from csearchd.models.conversion.files import read_onnx
from csearchd.models.conversion.graph import Graph
from csearchd.models.conversion.quantisation.image import FloatImageTower, quantise_image_tower
from csearchd.models.conversion.quantisation.products import constant_products
from csearchd.models.conversion.reference import Vectors
from csearchd.models.export.text import quiet
from csearchd.models.export.transformer import is_plain_image_tower, write_image_graph
from csearchd.models.image_tower import HEADER, header_checksum, read_header
from csearchd.models.installed import IMAGE_TOWER, WEIGHTS
from csearchd.models.preprocess import Preprocess

_TYPES = {
    "F32": onnx.TensorProto.FLOAT,
    "F16": onnx.TensorProto.FLOAT16,
    "BF16": onnx.TensorProto.BFLOAT16,
}
_LARGE = 64 << 20  # bytes of float32 weights; 8-bit ones gain little for a smaller tower
_WORTH_IT = 2 / 3  # of a tower's weights are multiplied with, so that 8 bits halve its size
_FOLDED = 16 << 10  # bytes of a constant that is computed; larger ones stay the model's own weights
_MAX_BATCH = 1024  # pictures; the exporter needs an upper bound


class ImageBranch(torch.nn.Module):  # type: ignore[misc]
    """open_clip's image tower with normalisation: uint8 pixels (n, height, width, 3) to float32
    unit vectors (n, dimensions)."""

    def __init__(self, model: Any, preprocess: Preprocess) -> None:
        super().__init__()
        self.visual = model.visual  # tensors get the names that they have in the checkpoint
        self.register_buffer("pixels_mean", torch.tensor(preprocess.mean) * 255)
        self.register_buffer("pixels_std", torch.tensor(preprocess.std) * 255)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = (pixels.float() - self.pixels_mean) / self.pixels_std
        vectors = self.visual(x.permute(0, 3, 1, 2))
        if isinstance(vectors, tuple):
            vectors = vectors[0]  # pooled, tokens
        return torch.nn.functional.normalize(vectors, dim=-1)


def write_image_tower(branch: ImageBranch, preprocess: Preprocess, directory: str) -> None:
    """Writes `image.onnx` into `directory`, beside the weights that it refers to. Raises what
    torch's exporter does."""
    pixels = torch.zeros(2, preprocess.height, preprocess.width, 3, dtype=torch.uint8)
    count = torch.export.Dim("count", min=1, max=_MAX_BATCH)
    with quiet(), torch.inference_mode():
        program = torch.onnx.export(
            branch,
            (pixels,),
            input_names=["pixels"],
            output_names=["vectors"],
            dynamic_shapes={"pixels": {0: count}},
            dynamo=True,
            optimize=False,  # it would replace the model's weights by computed ones
            verbose=False,
        )
        # Without what PyTorch's exporter leaves between weights and operators, onnxruntime fuses
        # convolutions and normalisation when it loads the graph.
        onnxscript.optimizer.inline(program.model)
        onnxscript.optimizer.fold_constants(
            program.model, input_size_limit=_FOLDED, output_size_limit=_FOLDED
        )
        onnxscript.optimizer.remove_unused_nodes(program.model)
    model = program.model_proto
    _forget_sources(model)
    _refer_to_weights(model, os.path.join(directory, WEIGHTS))
    with open(os.path.join(directory, IMAGE_TOWER), "wb") as file:
        file.write(model.SerializeToString())


def use_quantised_image_tower(
    visual: Any,
    preprocess: Preprocess,
    directory: str,
    pixels: NDArray[np.uint8],
    expected: Vectors,
    seconds: float,
    *,
    portable: bool,
) -> None:
    """Replaces the float32 `image.onnx` in `directory` by one with 8-bit weights, if that saves
    much, is accurate enough, and encodes `pixels` in less than `seconds`.

    `visual`: the tower. `expected`: its vectors of `pixels`. `portable`: see candidates.quantised.
    Raises ModelError, OSError.
    """
    size = sum(parameter.numel() for parameter in visual.parameters())
    if 4 * size < _LARGE:
        return
    header = read_header(os.path.join(directory, WEIGHTS))
    with tempfile.TemporaryDirectory(dir=directory, prefix=".export-") as scratch:
        source = os.path.join(directory, IMAGE_TOWER)
        if is_plain_image_tower(visual):
            source = os.path.join(scratch, "float.onnx")
            write_image_graph(visual, preprocess, source)

        def graph() -> Graph:
            read = Graph(read_onnx(source))
            read.add_metadata(HEADER, header_checksum(header))
            return read

        multiplied = sum(product.weight.size for product in constant_products(graph()))
        if multiplied < size * _WORTH_IT:
            return
        with open(os.path.join(scratch, WEIGHTS), "wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)  # all that OnnxTower reads of it
        tower = FloatImageTower(graph, pixels, expected)
        if quantise_image_tower(tower, scratch, seconds, portable=portable) is not None:
            for name in os.listdir(scratch):
                if name.startswith(IMAGE_TOWER):  # 2 GB and more are in a second file
                    os.replace(os.path.join(scratch, name), os.path.join(directory, name))


def _forget_sources(model: onnx.ModelProto) -> None:
    """Removes the exporter's metadata, which is large and holds paths of the exporting machine."""
    graph = model.graph
    del graph.value_info[:], graph.metadata_props[:], model.metadata_props[:]
    for item in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]


def _refer_to_weights(model: onnx.ModelProto, path: str) -> None:
    """Replaces each tensor of `model` that is also in the safetensors file at `path` by a reference
    to it."""
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
