"""Makes the embedding of patches, a convolution, a product of matrices, which can have 8-bit
weights: patches don't overlap."""

from __future__ import annotations

from typing import Any

import numpy as np

from csearchd.models.conversion.graph import Graph, integers_attribute, string_attribute


def multiply_patches(graph: Graph, pictures: str, height: int, width: int) -> None:
    """Replaces a convolution of the value `pictures` (n, channels, height, width) whose steps are
    as large as its kernel. Raises ModelError."""
    for place, node in enumerate(graph.nodes):
        if node.op_type == "Conv" and node.input[0] == pictures:
            product = _product(graph, node, height, width)
            graph.nodes[place : place + 1] = product
            return


def _product(graph: Graph, node: Any, height: int, width: int) -> list[Any]:
    """Nodes with the result of the convolution `node`; the node itself if it is of another kind."""
    kernel = graph.derived_constant(node.input[1])
    bias = graph.derived_constant(node.input[2]) if len(node.input) > 2 else None
    if kernel is None or kernel.ndim != 4 or (len(node.input) > 2 and bias is None):
        return [node]
    count, channels, high, wide = kernel.shape
    plain = (
        integers_attribute(node, "strides") == [high, wide]
        and not any(integers_attribute(node, "pads"))
        and integers_attribute(node, "dilations") in ([], [1, 1])
        and string_attribute(node, "auto_pad") in ("", "NOTSET")
        and channels == 3
        and height % high == width % wide == 0
    )
    if not plain:
        return [node]
    rows, columns = height // high, width // wide
    cut = (0, channels, rows, high, columns, wide)
    matrix = kernel.reshape(count, -1).T.astype(np.float32)
    split = graph.new_node("Reshape", [node.input[0], graph.integers(*cut)])
    grouped = graph.new_node("Transpose", split.output, perm=[0, 2, 4, 1, 3, 5])
    sizes = graph.integers(0, rows * columns, channels * high * wide)
    patches = graph.new_node("Reshape", [*grouped.output, sizes])
    nodes = [split, grouped, patches]
    nodes.append(graph.new_node("MatMul", [*patches.output, graph.add_constant(matrix)]))
    if bias is not None:
        added = graph.add_constant(bias.astype(np.float32))
        nodes.append(graph.new_node("Add", [*nodes[-1].output, added]))
    channels_first = graph.new_node("Transpose", nodes[-1].output, perm=[0, 2, 1])
    sizes = graph.integers(0, count, rows, columns)
    given = graph.new_node("Reshape", [*channels_first.output, sizes], node.output[0])
    return [*nodes, channels_first, given]
