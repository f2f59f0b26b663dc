"""Builds the parts of a transformer's ONNX graph with 8-bit weights, from onnxruntime's fastest
operators; transformer.py puts them together. Needs torch.

onnxruntime converts towers of other kinds (image.py, text.py); export.py chooses between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from open_clip.transformer import QuickGELU, ResidualAttentionBlock

_MICROSOFT = "com.microsoft"  # onnxruntime/docs/ContribOperators.md
_OPSETS = (helper.make_opsetid("", 20), helper.make_opsetid(_MICROSOFT, 1))
_IR_VERSION = 9  # the oldest that has that opset
_LARGE = 2  # times the median
_MAX_LARGE = 16  # rows: more would cost time
_END = 2**63 - 1  # an index behind the last element of any tensor


def is_plain_block(block: Any) -> bool:
    """Whether `Graph.attended` implements all that `block`, one of open_clip's, does."""
    return (
        type(block) is ResidualAttentionBlock
        and isinstance(block.ls_1, torch.nn.Identity)
        and isinstance(block.mlp.gelu, torch.nn.GELU | QuickGELU)
        and getattr(block.mlp.gelu, "approximate", "none") == "none"
    )


class Graph:
    """The nodes and constants of a graph. Each method adds some and returns the name of the
    result."""

    def __init__(self, unsigned: bool) -> None:
        """`unsigned`: whether the 8-bit weights are unsigned (see text.write_quantised)."""
        self._unsigned = unsigned
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def model(
        self, taken: Sequence[onnx.ValueInfoProto], given: onnx.ValueInfoProto
    ) -> onnx.ModelProto:
        graph = helper.make_graph(self._nodes, "tower", taken, [given], self._constants)
        return helper.make_model(graph, opset_imports=_OPSETS, ir_version=_IR_VERSION)

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        name = f"{operator} {len(self._nodes)}"
        node = helper.make_node(operator, inputs, [name], domain=domain, **attributes)
        self._nodes.append(node)
        return name

    def attended(
        self,
        block: ResidualAttentionBlock,
        tokens: str,
        queries: str,
        context: str,
        *,
        causal: bool = False,
    ) -> str:
        """Adds a transformer block applied to `tokens` (batch, count, width).

        `queries`: the same tokens, normalised. `context`: all normalised tokens, from which keys
        and values are computed. `causal`: no token attends to those after it.
        """
        attention = block.attn
        weights, biases = attention.in_proj_weight.t(), attention.in_proj_bias
        if queries == context:
            projected = self.thirds(self.product(context, weights, biases))
        else:
            parts = zip(
                (queries, context, context), weights.chunk(3, dim=1), biases.chunk(3), strict=True
            )
            projected = [self.product(*part) for part in parts]
        heads = {"num_heads": attention.num_heads, "unidirectional": int(causal)}
        found = self.node("MultiHeadAttention", *projected, domain=_MICROSOFT, **heads)
        tokens = self.node("Add", tokens, self.linear(found, attention.out_proj))
        hidden = self.linear(self.normalised(tokens, block.ln_2), block.mlp.c_fc)
        if isinstance(block.mlp.gelu, QuickGELU):
            hidden = self.node("QuickGelu", hidden, domain=_MICROSOFT, alpha=1.702)
        else:
            hidden = self.node("Gelu", hidden)
        return self.node("Add", tokens, self.linear(hidden, block.mlp.c_proj))

    def product(self, tokens: str, weight: torch.Tensor, bias: torch.Tensor | None = None) -> str:
        """Multiplies `tokens` by a matrix (inputs, outputs), quantised with a scale for each
        column.

        The few inputs that have by far the largest weights, which smoothing gives to outliers
        among the activations, are multiplied in float32.
        """
        matrix = weight.detach().double().numpy()
        few = _large_rows(matrix)
        exact = ""
        if len(few):
            taken = self.node("Gather", tokens, self.integers(tuple(few)), axis=-1)
            exact = self.node("MatMul", taken, self._constant(matrix[few].astype(np.float32)))
            kept = np.ones(len(matrix))
            kept[few] = 0
            matrix = matrix * kept[:, None]
            tokens = self.node("Mul", tokens, self._constant(kept.astype(np.float32)))
        scale = np.maximum(np.abs(matrix).max(axis=0), 1e-30) / 127
        zero, kind = (128, np.uint8) if self._unsigned else (0, np.int8)
        rounded = (np.round(matrix / scale) + zero).astype(kind)
        parts = [self._constant(rounded), self._constant(scale.astype(np.float32))]
        parts.append(self._constant(np.full(len(scale), zero, kind)))
        if bias is not None:
            parts.append(self.numbers(bias))
        found = self.node("DynamicQuantizeMatMul", tokens, *parts, domain=_MICROSOFT)
        return self.node("Add", found, exact) if exact else found

    def linear(self, tokens: str, layer: torch.nn.Linear) -> str:
        return self.product(tokens, layer.weight.t(), layer.bias)

    def normalised(self, tokens: str, layer: torch.nn.LayerNorm) -> str:
        constants = self.numbers(layer.weight), self.numbers(layer.bias)
        return self.node("LayerNormalization", tokens, *constants, epsilon=layer.eps)

    def first(self, tokens: str) -> str:
        """The first token: (batch, 1, width)."""
        return self._one(tokens, 0, 1)

    def last(self, tokens: str) -> str:
        """The last token: (batch, 1, width)."""
        return self._one(tokens, -1, _END)

    def _one(self, tokens: str, start: int, end: int) -> str:
        bounds = (self.integers((number,)) for number in (start, end, 1))
        return self.node("Slice", tokens, *bounds)

    def thirds(self, tokens: str) -> list[str]:
        """Splits the last axis into queries, keys and values."""
        names = [f"{tokens} {part}" for part in ("queries", "keys", "values")]
        self._nodes.append(helper.make_node("Split", [tokens], names, axis=2, num_outputs=3))
        return names

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


def _large_rows(matrix: NDArray[np.float64]) -> NDArray[np.intp]:
    """The numbers of the rows whose largest weight is more than _LARGE times that of others, the
    largest _MAX_LARGE at most."""
    largest = np.abs(matrix).max(axis=1)
    order = np.argsort(-largest)[:_MAX_LARGE]
    return np.sort(order[largest[order] > _LARGE * np.median(largest)])
