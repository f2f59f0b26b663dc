"""Makes a text tower that was exported for one length take texts of any length.

What depends on the length in such a graph are constants: the positions and the mask, which are
added to something, and shapes. Whether the graph then gives the same vectors is for the caller to
find out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from csearchd.models.conversion.graph import Graph

_ELEMENTWISE = ("Add", "Sub", "Mul", "Div", "Where", "And", "Or", "Equal")
_SHAPED = ("Reshape", "Expand")


def free_length(graph: Graph, rows: str, length: int) -> None:
    """Cuts the constants of `graph` that have `length` rows or columns to the length of a text,
    which is the second dimension of the input `rows`. Raises ModelError."""
    shape = graph.new_node("Shape", [rows])
    actual = graph.new_node("Slice", [*shape.output, *(graph.integers(n) for n in (1, 2, 0))])
    added = [shape, actual]
    made: dict[str, str] = {}  # the new names of constants
    for node in graph.nodes:
        for place, name in enumerate(node.input):
            if name not in graph.constants or not _depends(node, place):
                continue
            if name not in made:
                replaced = _cut if node.op_type in _ELEMENTWISE else _shape
                nodes = replaced(graph, name, actual.output[0], length)
                added += nodes
                made[name] = nodes[-1].output[0] if nodes else name
            node.input[place] = made[name]
    graph.nodes[:0] = added


def _depends(node: Any, place: int) -> bool:
    """Whether the input at `place` may have a size that is the text's."""
    return node.op_type in _ELEMENTWISE or (
        node.op_type == "Concat" or (node.op_type in _SHAPED and place == 1)
    )


def _cut(graph: Graph, name: str, actual: str, length: int) -> list[Any]:
    """Nodes that cut each dimension of `length` of the constant `name`."""
    nodes: list[Any] = []
    for axis, size in enumerate(graph.constants[name].dims):
        if size == length:
            bounds = [graph.integers(0), actual, graph.integers(axis)]
            nodes.append(graph.new_node("Slice", [nodes[-1].output[0] if nodes else name, *bounds]))
    return nodes


def _shape(graph: Graph, name: str, actual: str, length: int) -> list[Any]:
    """Nodes that replace `length` in the shape `name`."""
    shape = graph.constant(name)
    if shape is None or shape.ndim != 1 or shape.dtype != np.int64 or length not in shape:
        return []
    parts = [actual if size == length else graph.integers(int(size)) for size in shape]
    return [graph.new_node("Concat", parts, axis=0)]
