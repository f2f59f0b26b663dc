"""Gives the products of a graph 8-bit weights.

Every column of a weight has a scale of its own; the activations are scaled by their largest number
while the graph runs. Trained towers have a few columns of activations that are far larger than the
others, so that these are left with few steps. Smoothing (SmoothQuant, https://arxiv.org/abs/2211.10438)
divides such columns, and multiplies the rows of the weight that they meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from csearchd.models.conversion import schema
from csearchd.models.conversion.graph import (
    MICROSOFT,
    Graph,
    describe,
    float_attribute,
    integer_attribute,
)

Matrix = NDArray[Any]
_LEAST = 16  # rows and columns of a weight that is worth it
_STRENGTH = 0.5  # how much of the range moves from the activations to the weights
_TINY = 1e-30


@dataclass(frozen=True)
class Product:
    """A node that multiplies activations by a constant matrix, and what is added to it."""

    node: Any
    weight: Matrix  # (inputs, outputs), mapped
    bias: Matrix | None  # (outputs,)
    addition: Any | None  # the node that adds `bias`, if `node` itself doesn't

    @property
    def result(self) -> str:
        """The name of the value with the bias."""
        return str((self.addition or self.node).output[0])


def constant_products(graph: Graph) -> list[Product]:
    """The products of `graph` that can have 8-bit weights. Raises ModelError."""
    consumers = graph.consumers()
    results = {item.name for item in graph.outputs}
    found = []
    for node in graph.nodes:
        if node.op_type == "MatMul":
            weight = graph.derived_constant(node.input[1])
            if _is_matrix(weight):
                takers = [] if node.output[0] in results else consumers.get(node.output[0], [])
                addition, bias = _addition(graph, takers, node.output[0], weight.shape[1])
                found.append(Product(node, weight, bias, addition))
        elif node.op_type == "Gemm" and _is_plain(node):
            weight = graph.derived_constant(node.input[1])
            if not _is_matrix(weight):
                continue
            if integer_attribute(node, "transB", 0):
                weight = weight.T
            bias = graph.derived_constant(node.input[2]) if _has_third(node) else None
            if not _has_third(node) or (bias is not None and bias.size == weight.shape[1]):
                found.append(Product(node, weight, bias, None))
    return found


def quantise(graph: Graph, *, unsigned: bool, largest: Mapping[str, Matrix] | None = None) -> int:
    """Replaces the products of `graph` by those with 8-bit weights, and returns their number.

    `unsigned`: whether the weights are; signed ones are 1.5 times as fast on current x86
    processors, but overflow on those without VNNI. `largest`: smooth by these, the largest
    magnitudes in each column of the activations, by their name. Raises ModelError.
    """
    products = constant_products(graph)
    replaced = {}  # nodes by the name of their result
    dropped = set()
    smoothed: dict[str, str] = {}
    scales: dict[str, Matrix] = {}
    if largest is not None:
        scales = _smoothing(products, largest)
    for product in products:
        taken, nodes = product.node.input[0], []
        weight = product.weight.astype(np.float32)
        if taken in scales:
            weight *= scales[taken][:, None]
            if taken not in smoothed:
                divisor = graph.add_constant((1 / scales[taken]).astype(np.float32))
                nodes.append(graph.new_node("Mul", [taken, divisor]))
                smoothed[taken] = nodes[0].output[0]
            taken = smoothed[taken]
        inputs = [taken, *_rounded(graph, weight, unsigned)]
        if product.bias is not None:
            inputs.append(graph.add_constant(product.bias.astype(np.float32).reshape(-1)))
        nodes.append(
            graph.new_node("DynamicQuantizeMatMul", inputs, product.result, domain=MICROSOFT)
        )
        replaced[product.node.output[0]] = nodes
        if product.addition is not None:
            dropped.add(product.addition.output[0])
    kept = []
    for node in graph.nodes:
        if node.output[0] in replaced:
            kept.extend(replaced[node.output[0]])
        elif node.output[0] not in dropped:
            kept.append(node)
    graph.nodes = kept
    return len(products)


def record_largest(graph: Graph) -> dict[str, str]:
    """Adds outputs to `graph`: the largest magnitude in each column of what its products take.
    Returns the names of these outputs by those of the activations. Raises ModelError."""
    recorded: dict[str, str] = {}
    for product in constant_products(graph):
        taken = product.node.input[0]
        if taken in recorded:
            continue
        width = product.weight.shape[0]
        rows = graph.new_node("Reshape", [taken, graph.integers(-1, width)])
        sizes = graph.new_node("Abs", rows.output)
        if graph.opset() >= 18:
            axes = [graph.integers(0)]
            largest = graph.new_node("ReduceMax", [*sizes.output, *axes], keepdims=0)
        else:
            largest = graph.new_node("ReduceMax", sizes.output, axes=[0], keepdims=0)
        graph.nodes += [rows, sizes, largest]
        recorded[taken] = largest.output[0]
        output = schema.ValueInfoProto()
        describe(output, largest.output[0], schema.FLOAT, [width])
        graph.outputs.append(output)
    return recorded


def _smoothing(products: list[Product], largest: Mapping[str, Matrix]) -> dict[str, Matrix]:
    """By what each column of the activations is divided, for those that are recorded."""
    rows: dict[str, Matrix] = {}  # the largest weight that meets each column
    for product in products:
        name = product.node.input[0]
        own = np.abs(product.weight).max(axis=1).astype(np.float64)
        rows[name] = np.maximum(rows[name], own) if name in rows else own
    found = {}
    for name, weights in rows.items():
        if name not in largest:
            continue
        activations = np.maximum(largest[name].astype(np.float64), 1e-5)
        scale = activations**_STRENGTH / np.maximum(weights, 1e-5) ** (1 - _STRENGTH)
        found[name] = scale.astype(np.float32)
    return found


def _rounded(graph: Graph, weight: Matrix, unsigned: bool) -> list[str]:
    """Adds the constants that DynamicQuantizeMatMul takes: weights, scales and zero points."""
    scale = np.maximum(np.abs(weight).max(axis=0), _TINY) / 127
    zero, kind = (128, np.uint8) if unsigned else (0, np.int8)
    rounded = (np.round(weight / scale) + zero).astype(kind)
    points = np.full(len(scale), zero, kind)
    return [graph.add_constant(values) for values in (rounded, scale.astype(np.float32), points)]


def _addition(
    graph: Graph, takers: list[Any], name: str, width: int
) -> tuple[Any | None, Matrix | None]:
    """The node that adds a constant for each column to the product `name`, and the constant."""
    if len(takers) != 1 or takers[0].op_type != "Add":
        return None, None
    other = [taken for taken in takers[0].input if taken != name]
    bias = graph.derived_constant(other[0]) if len(other) == 1 else None
    if bias is None or bias.size != width or bias.shape[-1:] != (width,) or bias.ndim > 2:
        return None, None
    return takers[0], bias


def _is_matrix(weight: Matrix | None) -> TypeGuard[Matrix]:
    return (
        weight is not None
        and weight.ndim == 2
        and min(weight.shape) >= _LEAST
        and weight.dtype.kind == "f"
    )


def _is_plain(gemm: Any) -> bool:
    plain = float_attribute(gemm, "alpha", 1.0) == float_attribute(gemm, "beta", 1.0) == 1.0
    return plain and not integer_attribute(gemm, "transA", 0)


def _has_third(gemm: Any) -> bool:
    return len(gemm.input) > 2 and bool(gemm.input[2])
