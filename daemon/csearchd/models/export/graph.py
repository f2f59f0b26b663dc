"""Builds open_clip's transformers as graphs of onnxruntime's fastest operators. Needs torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.transformer import QuickGELU, ResidualAttentionBlock

from csearchd.models.conversion import schema
from csearchd.models.conversion.files import INLINE, NUMBERS, OnnxFile, Place, set_place
from csearchd.models.conversion.graph import MICROSOFT, Graph, describe
from csearchd.models.conversion.writing import write_beside

_OPSET = 20
_IR_VERSION = 9  # the oldest that has that opset
_END = 2**63 - 1  # an index behind the last element of any tensor


def is_plain_block(block: Any) -> bool:
    """Whether `TransformerGraph.attended` implements all that `block`, one of open_clip's, does."""
    return (
        type(block) is ResidualAttentionBlock
        and isinstance(block.ls_1, torch.nn.Identity)
        and isinstance(block.mlp.gelu, torch.nn.GELU | QuickGELU)
        and getattr(block.mlp.gelu, "approximate", "none") == "none"
    )


class TransformerGraph:
    """The nodes and constants of a graph. Each method adds some and returns the name of the
    result."""

    def __init__(self, path: str, weights: BinaryIO) -> None:
        """`path`: where the graph will be. `weights`: a file beside it, which gets its weights."""
        model = schema.ModelProto(ir_version=_IR_VERSION)
        model.opset_import.add(domain="", version=_OPSET)
        self._graph = Graph(OnnxFile(path, model))
        self._weights = weights

    def write(
        self, taken: Sequence[tuple[str, int, list[int | str]]], given: str, shape: Any
    ) -> None:
        """Writes the graph. `taken`: names, types and shapes of the inputs. Raises OSError."""
        for name, kind, sizes in taken:
            item = schema.ValueInfoProto()
            describe(item, name, kind, sizes)
            self._graph.inputs.append(item)
        result = schema.ValueInfoProto()
        describe(result, given, schema.FLOAT, shape)
        self._graph.outputs = [result]
        write_beside(self._graph.finished(), self._graph.path)

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        node = self._graph.new_node(operator, inputs, domain=domain, **attributes)
        self._graph.nodes.append(node)
        return str(node.output[0])

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
        found = self.node("MultiHeadAttention", *projected, domain=MICROSOFT, **heads)
        tokens = self.node("Add", tokens, self.linear(found, attention.out_proj))
        hidden = self.linear(self.normalised(tokens, block.ln_2), block.mlp.c_fc)
        if isinstance(block.mlp.gelu, QuickGELU):
            hidden = self.node("QuickGelu", hidden, domain=MICROSOFT, alpha=1.702)
        else:
            hidden = self.node("Gelu", hidden)
        return self.node("Add", tokens, self.linear(hidden, block.mlp.c_proj))

    def product(self, tokens: str, weight: torch.Tensor, bias: torch.Tensor | None = None) -> str:
        """Multiplies `tokens` by a matrix (inputs, outputs), and adds `bias` (outputs,)."""
        found = self.node("MatMul", tokens, self.numbers(weight))
        return found if bias is None else self.node("Add", found, self.numbers(bias))

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
        node = self._graph.new_node("Split", [tokens], axis=2, num_outputs=3)
        node.output.extend(self._graph.fresh_name("Split") for _ in range(2))
        self._graph.nodes.append(node)
        return list(node.output)

    def reshaped(self, tensor: str, shape: tuple[int, ...]) -> str:
        return self.node("Reshape", tensor, self.integers(shape))

    def numbers(self, tensor: torch.Tensor) -> str:
        return self._constant(np.ascontiguousarray(tensor.detach().float().numpy()))

    def integers(self, values: tuple[int, ...]) -> str:
        return self._graph.integers(*values)

    def _constant(self, values: NDArray[np.float32]) -> str:
        if values.nbytes <= INLINE:
            return self._graph.add_constant(values)
        name = self._graph.fresh_name("weight")
        tensor = schema.TensorProto(name=name, data_type=NUMBERS[values.dtype])
        tensor.dims.extend(values.shape)
        file = os.path.basename(self._weights.name)
        set_place(tensor, Place(file, self._weights.tell(), values.nbytes))
        self._weights.write(values.data)
        self._graph.constants[name] = tensor
        return name
