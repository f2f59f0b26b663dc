"""open_clip's own image transformer, as a graph of onnxruntime's fastest operators, in 8 bits.

What PyTorch's exporter and the 8-bit conversion of its graph leave takes a quarter longer:

- Mean and deviation of the pixels are folded into the embedding of patches, which is a product of
  matrices too, since patches don't overlap.
- Attention is one operator.
- Only the class token is read in the end, so the last block computes nothing else behind its keys
  and values: a fourteenth of all products.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from open_clip.transformer import QuickGELU, ResidualAttentionBlock, VisionTransformer

from csearchd.encode.preprocess import Preprocess

_MICROSOFT = "com.microsoft"  # onnxruntime/docs/ContribOperators.md
_OPSETS = (helper.make_opsetid("", 20), helper.make_opsetid(_MICROSOFT, 1))
_IR_VERSION = 9  # the oldest that has that opset


def is_plain_transformer(visual: Any) -> bool:
    """Whether `transformer_graph` knows all that this image tower of open_clip's does."""
    return (
        isinstance(visual, VisionTransformer)
        and visual.attn_pool is None
        and visual.pool_type == "tok"
        and visual.proj is not None
        and all(map(_is_plain_block, visual.transformer.resblocks))
    )


def _is_plain_block(block: Any) -> bool:
    return (
        type(block) is ResidualAttentionBlock
        and isinstance(block.ls_1, torch.nn.Identity)
        and isinstance(block.mlp.gelu, torch.nn.GELU | QuickGELU)
        and getattr(block.mlp.gelu, "approximate", "none") == "none"
    )


def transformer_graph(
    visual: VisionTransformer, preprocess: Preprocess, *, unsigned: bool
) -> onnx.ModelProto:
    """The tower from uint8 pixels (n, height, width, 3) to float32 unit vectors (n, dimensions).

    `unsigned`: so are its weights (see onnx_text.write_quantised).
    """
    graph = _Graph(unsigned)
    tokens = _embedded(graph, visual, preprocess)
    *blocks, last = visual.transformer.resblocks
    for block in blocks:
        normal = graph.normalised(tokens, block.ln_1)
        tokens = _attended(graph, block, tokens, normal, normal)
    normal = graph.normalised(tokens, last.ln_1)
    tokens = _attended(graph, last, graph.first(tokens), graph.first(normal), normal)
    pooled = graph.product(graph.normalised(tokens, visual.ln_post), visual.proj)
    vectors = graph.reshaped(graph.node("LpNormalization", pooled), (0, -1))
    return graph.model(vectors, preprocess)


def _embedded(graph: _Graph, visual: VisionTransformer, preprocess: Preprocess) -> str:
    """Pixels to the tokens that the first block gets."""
    kernel = visual.conv1.weight.detach().double()  # (width, 3, height, width of a patch)
    width, _, high, wide = kernel.shape
    rows, columns = visual.grid_size
    mean, std = (torch.tensor(value) * 255 for value in (preprocess.mean, preprocess.std))
    kernel = kernel / std.view(3, 1, 1)
    shift = -(kernel * mean.view(3, 1, 1)).sum((1, 2, 3))
    if visual.conv1.bias is not None:
        shift = shift + visual.conv1.bias.detach()
    places = visual.positional_embedding.detach().double()
    places = torch.cat([places[:1] + visual.class_embedding.detach(), places[1:] + shift])
    patches = graph.reshaped("pixels", (0, rows, high, columns, wide * 3))
    patches = graph.node("Transpose", patches, perm=[0, 1, 3, 2, 4])
    patches = graph.reshaped(patches, (0, rows * columns, high * wide * 3))
    patches = graph.node("Cast", patches, to=TensorProto.FLOAT)
    patches = graph.product(patches, kernel.permute(2, 3, 1, 0).reshape(-1, width))
    # A row of zeros before them, to which the class token is added like a place.
    tokens = graph.node("Pad", patches, graph.integers((0, 1, 0, 0, 0, 0)))
    tokens = graph.node("Add", tokens, graph.numbers(places[None]))
    if isinstance(visual.ln_pre, torch.nn.Identity):
        return tokens
    return graph.normalised(tokens, visual.ln_pre)


def _attended(
    graph: _Graph, block: ResidualAttentionBlock, tokens: str, asking: str, asked: str
) -> str:
    """What a block makes of `tokens`; `asking` are those, `asked` all of them, normalised."""
    attention = block.attn
    weights = attention.in_proj_weight.t().chunk(3, dim=1)
    biases = attention.in_proj_bias.chunk(3)
    three = [
        graph.product(source, weight, bias)
        for source, weight, bias in zip((asking, asked, asked), weights, biases, strict=True)
    ]
    found = graph.node(
        "MultiHeadAttention", *three, domain=_MICROSOFT, num_heads=attention.num_heads
    )
    tokens = graph.node("Add", tokens, graph.linear(found, attention.out_proj))
    hidden = graph.linear(graph.normalised(tokens, block.ln_2), block.mlp.c_fc)
    if isinstance(block.mlp.gelu, QuickGELU):
        hidden = graph.node("QuickGelu", hidden, domain=_MICROSOFT, alpha=1.702)
    else:
        hidden = graph.node("Gelu", hidden)
    return graph.node("Add", tokens, graph.linear(hidden, block.mlp.c_proj))


class _Graph:
    """Nodes and constants as they come. Each method returns the name of what it adds."""

    def __init__(self, unsigned: bool) -> None:
        self._unsigned = unsigned
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def model(self, output: str, preprocess: Preprocess) -> onnx.ModelProto:
        shape = ["count", preprocess.height, preprocess.width, 3]
        pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, shape)
        vectors = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["count", None])
        graph = helper.make_graph(self._nodes, "image tower", [pixels], [vectors], self._constants)
        return helper.make_model(graph, opset_imports=_OPSETS, ir_version=_IR_VERSION)

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        name = f"{operator} {len(self._nodes)}"
        node = helper.make_node(operator, inputs, [name], domain=domain, **attributes)
        self._nodes.append(node)
        return name

    def product(self, tokens: str, weight: torch.Tensor, bias: torch.Tensor | None = None) -> str:
        """Times a matrix (inputs, outputs), each of whose columns has a scale of its own."""
        matrix = weight.detach().double().numpy()
        scale = np.maximum(np.abs(matrix).max(axis=0), 1e-30) / 127
        zero, kind = (128, np.uint8) if self._unsigned else (0, np.int8)
        rounded = (np.round(matrix / scale) + zero).astype(kind)
        parts = [self._constant(rounded), self._constant(scale.astype(np.float32))]
        parts.append(self._constant(np.full(len(scale), zero, kind)))
        if bias is not None:
            parts.append(self.numbers(bias))
        return self.node("DynamicQuantizeMatMul", tokens, *parts, domain=_MICROSOFT)

    def linear(self, tokens: str, layer: torch.nn.Linear) -> str:
        return self.product(tokens, layer.weight.t(), layer.bias)

    def normalised(self, tokens: str, layer: torch.nn.LayerNorm) -> str:
        constants = self.numbers(layer.weight), self.numbers(layer.bias)
        return self.node("LayerNormalization", tokens, *constants, epsilon=layer.eps)

    def first(self, tokens: str) -> str:
        """The first of the tokens alone, in the same dimensions."""
        bounds = (self.integers((number,)) for number in (0, 1, 1))
        return self.node("Slice", tokens, *bounds)

    def reshaped(self, tensor: str, shape: tuple[int, ...]) -> str:
        return self.node("Reshape", tensor, self.integers(shape))

    def numbers(self, tensor: torch.Tensor) -> str:
        return self._constant(tensor.detach().float().numpy())

    def integers(self, values: tuple[int, ...]) -> str:
        return self._constant(np.array(values, np.int64))

    def _constant(self, values: NDArray[Any]) -> str:
        name = f"constant {len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name
