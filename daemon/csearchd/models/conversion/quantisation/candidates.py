"""Makes graphs with 8-bit weights of one in float32, to choose from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from csearchd.models.conversion.graph import Graph
from csearchd.models.conversion.quantisation.outliers import Largest, smoothing
from csearchd.models.conversion.quantisation.products import constant_products, quantise

MakeGraph = Callable[[], Graph]
"""Makes the float32 graph of a tower, to be edited. Raises ModelError."""

EXACT = (0, 1 / 8, 1 / 4)
"""How many of a tower's products may stay in float32, of all. The first do: their errors are
carried through all others."""


def quantised(
    make: MakeGraph, *, portable: bool, largest: Largest | None = None, exact: float = 0
) -> Iterator[Graph]:
    """The graph of `make` with 8-bit weights, the fastest first.

    `portable`: only those that are right on all processors. `largest`: smooth the activations by
    these. `exact`: how many of its products stay in float32, of all. Raises ModelError.
    """
    for unsigned in (True,) if portable else (False, True):
        graph = make()
        products = constant_products(graph)
        smoothed = {} if largest is None else smoothing(products, largest)
        rounded = products[math.ceil(len(products) * exact) :]
        quantise(graph, rounded, unsigned=unsigned, smoothed=smoothed)
        yield graph
