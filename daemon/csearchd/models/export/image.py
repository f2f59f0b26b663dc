"""Writes open_clip's image tower as an ONNX graph. Needs torch.

In float32 the graph refers to the tensors in `open_clip_model.safetensors`, so that `image.onnx`
has a few hundred kilobytes, and onnxruntime maps the file that torch would read. A large
transformer gets a graph with its own 8-bit weights instead: it takes a quarter of the memory, and
encodes four times as many pictures if the CPU multiplies 8-bit numbers (ViT-B-32-256 on one core:
32 ms a picture instead of 130; torch in bf16 takes 65).
"""

from __future__ import annotations

import json
import os
from typing import Any

import onnx
import onnxruntime
import onnxscript.optimizer
import safetensors
import torch
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
_LARGE = 64 << 20  # bytes of float32 weights; 8-bit ones gain little for a smaller tower
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
    forget_sources(model)
    _refer_to_weights(model, os.path.join(directory, WEIGHTS))
    with open(os.path.join(directory, IMAGE_TOWER), "wb") as file:
        file.write(model.SerializeToString())


def write_quantised_image_tower(
    visual: Any, preprocess: Preprocess, directory: str, target: str, *, unsigned: bool
) -> bool:
    """Writes the tower `visual`, whose `image.onnx` is in `directory`, to the directory `target`,
    with 8-bit weights for products of matrices.

    Returns False, and writes nothing, if that saves little (small towers, convolutions).
    `unsigned`: see text.write_quantised. Raises what onnx and onnxruntime do, such as for a tower
    of more than 2 GB.
    """
    size = 4 * sum(parameter.numel() for parameter in visual.parameters())
    if size < _LARGE:
        return False
    if is_plain_image_tower(visual):
        model = image_graph(visual, preprocess, unsigned=unsigned)
    else:
        model = _converted(directory, target, unsigned)
    if model.ByteSize() > size // 2:
        return False
    header = header_checksum(read_header(os.path.join(directory, WEIGHTS)))
    model.metadata_props.add(key=HEADER, value=header)
    model.metadata_props.add(key=ARITHMETIC, value="int8")
    onnx.save(model, os.path.join(target, IMAGE_TOWER))
    return True


def _converted(directory: str, scratch: str, unsigned: bool) -> onnx.ModelProto:
    """The graph of `image.onnx` in `directory`, converted to 8-bit weights by onnxruntime.
    `scratch`: a directory for temporary files."""
    plain, weights, small = (
        os.path.join(scratch, name) for name in ("folded.onnx", "folded.weights", "small.onnx")
    )
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = plain  # with the weights' casts done
    # Weights of a file of its own, not of the model's: onnx refuses a file that has other links,
    # as those of a download cache have.
    options.add_session_config_entry(
        "session.optimized_model_external_initializers_file_name", os.path.basename(weights)
    )
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    source = os.path.join(directory, IMAGE_TOWER)
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    with quiet():
        quantize_dynamic(
            plain,
            small,
            per_channel=True,
            weight_type=QuantType.QUInt8 if unsigned else QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gemm"],
        )
    model = onnx.load(small)
    forget_sources(model)
    for path in (plain, weights, small):
        os.remove(path)
    return model


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
