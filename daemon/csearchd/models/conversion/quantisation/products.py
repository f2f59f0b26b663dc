"""Gives the products of a graph 8-bit weights.

Every column of a weight has a scale of its own; the activations are scaled by their largest number
while the graph runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from csearchd.models.conversion.graph import (
    MICROSOFT,
    Graph,
    float_attribute,
    integer_attribute,
)

Matrix = NDArray[Any]
_LEAST = 16  # rows and columns of a weight that is worth it
_TINY = 1e-30


@dataclass(frozen=True)
class Product:
    """A node that multiplies activations by a constant matrix, and what is added to it."""

    node: Any
    weight: Matrix  # (inputs, outputs), mapped
    bias: Matrix | None  # (outputs,)
    addition: Any | None  # the node that adds `bias`, if `node` itself doesn't

    @property
    def taken(self) -> str:
        """The name of the activations."""
        return str(self.node.input[0])

    @property
    def result(self) -> str:
        """The name of the value with the bias."""
        return str((self.addition or self.node).output[0])


@dataclass(frozen=True)
class Smoothing:
    """How activations (…, columns) are prepared before they are quantised."""

    scale: Matrix  # float32 (columns,): by what columns are divided, and rows of weights multiplied
    few: Matrix  # numbers of the columns that are multiplied in float32 instead


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


def quantise(
    graph: Graph,
    products: Sequence[Product],
    *,
    unsigned: bool,
    smoothed: Mapping[str, Smoothing],
) -> None:
    """Gives these products of `graph` 8-bit weights.

    `unsigned`: whether the weights are; signed ones are 1.5 times as fast on current x86
    processors, but overflow on those without VNNI. `smoothed`: how to smooth activations, by their
    name. Raises ModelError.
    """
    replaced = {}  # nodes by the name of the result that they replace
    dropped = set()
    prepared: dict[str, _Activations] = {}
    for product in products:
        nodes: list[Any] = []
        if product.taken not in prepared:
            found = _activations(graph, product.taken, smoothed.get(product.taken), nodes)
            prepared[product.taken] = found
        nodes += _quantised(graph, product, prepared[product.taken], unsigned)
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


@dataclass(frozen=True)
class _Activations:
    """What several products take, prepared for them."""

    name: str
    scale: Matrix | None  # by which rows of weights are multiplied: float32 (columns,)
    few: str  # the columns that are multiplied in float32; "" if there are none
    chosen: Matrix  # their numbers


def _activations(
    graph: Graph, name: str, smoothing: Smoothing | None, nodes: list[Any]
) -> _Activations:
    """The activations `name` after `smoothing`, by nodes that are added to `nodes`."""
    if smoothing is None:
        return _Activations(name, None, "", np.empty(0, np.int64))
    chosen, few = smoothing.few, ""
    divisors = 1 / smoothing.scale
    if len(chosen):
        divisors[chosen] = 0
        nodes.append(graph.new_node("Gather", [name, graph.integers(*chosen)], axis=-1))
        few = nodes[-1].output[0]
    nodes.append(graph.new_node("Mul", [name, graph.add_constant(divisors)]))
    return _Activations(nodes[-1].output[0], smoothing.scale, few, chosen)


def _quantised(
    graph: Graph, product: Product, activations: _Activations, unsigned: bool
) -> list[Any]:
    """Nodes that compute `product` with 8-bit weights."""
    weight = product.weight.astype(np.float32)
    exact = weight[activations.chosen]
    if activations.scale is not None:
        weight *= activations.scale[:, None]
        weight[activations.chosen] = 0
    inputs = [activations.name, *_rounded(graph, weight, unsigned)]
    if product.bias is not None:
        inputs.append(graph.add_constant(product.bias.astype(np.float32).reshape(-1)))
    if not activations.few:
        return [graph.new_node("DynamicQuantizeMatMul", inputs, product.result, domain=MICROSOFT)]
    rounded = graph.new_node("DynamicQuantizeMatMul", inputs, domain=MICROSOFT)
    added = graph.new_node("MatMul", [activations.few, graph.add_constant(exact)])
    total = graph.new_node("Add", [*rounded.output, *added.output], product.result)
    return [rounded, added, total]


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
