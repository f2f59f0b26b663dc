"""Converts a published text tower to the one that the service keeps in memory.

A published tower takes token numbers, usually always as many as its context has. The service's
takes the rows of its token embedding, which becomes a file of its own, and no more tokens than a
text has where that gives the same vectors. It gets 8-bit weights if these do, too.
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import ModelError
from csearchd.models.assemble import TextConversion
from csearchd.models.conversion import schema
from csearchd.models.conversion.files import read_onnx
from csearchd.models.conversion.graph import Graph, describe, single_input
from csearchd.models.conversion.lengths import free_length
from csearchd.models.conversion.quantisation.text import (
    FloatTextTower,
    quantise_text_tower,
    text_cosine,
)
from csearchd.models.conversion.reference import open_source, unit
from csearchd.models.conversion.writing import write_onnx
from csearchd.models.installed import TEXT_TOWER, TOKEN_EMBEDDING
from csearchd.models.text_tower import Vectors
from csearchd.models.token_embedding import Kind, write_token_embedding
from csearchd.system import processors

# The least cosine, over all prompts, of a converted tower's vectors to the published one's
FLOAT_COSINE = 0.999
SAME_COSINE = 0.9995  # of texts without padding
_PADDED = 4  # and one is tried without padding
_TAKEN, _ROWS, _GIVEN = "tokens", "embeddings", "vector"  # the tower's inputs and its output


@dataclass(frozen=True)
class _Published:
    """The published tower, and its vectors of the prompts."""

    path: str
    context_length: int
    prompts: list[list[int]]  # with padding
    short: list[list[int]]  # without
    expected: Vectors


def convert_text_tower(
    source: str,
    directory: str,
    *,
    context_length: int,
    prompts_tokens: Sequence[Sequence[int]],
    pad_token: int,
) -> TextConversion:
    """Writes `text.onnx` and `token_embedding.bin` into `directory`, from the ONNX file `source`.

    `prompts_tokens`: the token numbers of the texts that towers are compared on, without padding.
    Raises ModelError if `source` is damaged, or isn't a text tower that csearch can use; OSError if
    the directory can't be written.
    """
    short = [list(tokens) for tokens in prompts_tokens]
    prompts = [tokens + [pad_token] * (context_length - len(tokens)) for tokens in short]
    with tempfile.TemporaryDirectory(dir=directory, prefix=".text-") as scratch:
        published = _published(source, scratch, context_length, prompts, short)
        causal = _needs_no_padding(published, scratch)
        tower = _float_tower(published, causal)
        best = quantise_text_tower(tower, scratch, portable=False)
        quantised = best is not None
        if best is None:
            best = _write_float_tower(tower, scratch)
        for name in (TEXT_TOWER, TOKEN_EMBEDDING):
            os.replace(os.path.join(scratch, name), os.path.join(directory, name))
    return TextConversion(published.expected.shape[1], causal, quantised, best)


def _published(
    source: str,
    scratch: str,
    context_length: int,
    prompts: list[list[int]],
    short: list[list[int]],
) -> _Published:
    """The tower at `source`, after it has encoded the prompts. Raises ModelError."""
    taken = single_input(Graph(read_onnx(source)), (schema.INT32, schema.INT64), 2)
    length = taken.type.tensor_type.shape.dim[1].dim_value
    if length not in (0, context_length):
        raise ModelError(f"{source} takes texts of {length} tokens, not {context_length}")
    session = open_source(source, scratch, processors.count())
    kind = np.int32 if taken.type.tensor_type.elem_type == schema.INT32 else np.int64
    vectors = []
    for tokens in prompts:
        try:
            found = session.run(None, {taken.name: np.array([tokens], kind)})[0]
        except Exception as error:  # onnxruntime's exceptions have no useful base class
            summary = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(f"{source} can't be run: {summary}") from None
        vectors.append(unit(found, source)[0])
    return _Published(source, context_length, prompts, short, np.stack(vectors))


def _write_rows(source: str, path: str, kind: Kind) -> None:
    """Writes the token embedding of the tower at `source` to `path`. Raises ModelError."""
    graph = Graph(read_onnx(source))
    try:
        write_token_embedding(path, find_embedding(graph).table, kind)
    except ValueError as error:
        raise ModelError(f"{source} can't be used: {error}") from None


def _needs_no_padding(published: _Published, scratch: str) -> bool:
    """Whether the tower can take texts without padding, and gives the same vectors then."""
    sample = replace(
        published,
        prompts=published.prompts[::_PADDED],
        short=published.short[::_PADDED],
        expected=published.expected[::_PADDED],
    )
    tower = _float_tower(sample, causal=True)
    tower.write_rows(os.path.join(scratch, TOKEN_EMBEDDING), "float16")
    write_onnx(tower.graph().finished(), os.path.join(scratch, TEXT_TOWER))
    return text_cosine(scratch, tower.texts, tower.expected, SAME_COSINE) >= SAME_COSINE


def _float_tower(published: _Published, causal: bool) -> FloatTextTower:
    return FloatTextTower(
        graph=functools.partial(_tower, published, free=causal),
        write_rows=functools.partial(_write_rows, published.path),
        texts=published.short if causal else published.prompts,
        expected=published.expected,
    )


def _write_float_tower(tower: FloatTextTower, scratch: str) -> float:
    """Writes the tower with 32-bit weights into the directory `scratch`, and returns its cosine.
    Raises ModelError."""
    write_onnx(tower.graph().finished(), os.path.join(scratch, TEXT_TOWER))
    found = 0.0
    kinds: tuple[Kind, ...] = ("int8", "float16")
    for kind in kinds:
        tower.write_rows(os.path.join(scratch, TOKEN_EMBEDDING), kind)
        found = text_cosine(scratch, tower.texts, tower.expected)
        if found >= FLOAT_COSINE:
            return found
    raise ModelError(
        f"{tower.graph().path} can't be used: the text tower made from it gives other vectors"
        f" (cosine {found:.5f})"
    )


def _tower(published: _Published, *, free: bool) -> Graph:
    """The published graph in float32, with the token embedding outside. `free`: it takes texts of
    any length. Raises ModelError."""
    graph = Graph(read_onnx(published.path))
    graph.free_names((_TAKEN, _ROWS, _GIVEN))
    graph.to_single_precision()
    taken, given = graph.inputs[0], graph.outputs[0]
    found = find_embedding(graph)
    names = {node.output[0] for node in found.nodes}
    graph.nodes = [node for node in graph.nodes if node.output[0] not in names]
    head = [graph.new_node("Identity", [_ROWS], name) for name in sorted(names)]
    kind = taken.type.tensor_type.elem_type
    length: int | str = "length" if free else published.context_length
    tokens, embeddings, vector = (schema.ValueInfoProto() for _ in range(3))
    describe(tokens, _TAKEN, schema.INT64, [1, length])
    describe(embeddings, _ROWS, schema.FLOAT, [1, length, found.table.shape[1]])
    describe(vector, _GIVEN, schema.FLOAT, [1, published.expected.shape[1]])
    graph.nodes.append(graph.new_node("Identity", [given.name], _GIVEN))
    graph.outputs = [vector]
    if graph.uses(taken.name):
        head.append(graph.new_node("Cast", [_TAKEN], taken.name, to=kind))
        graph.inputs = [tokens, embeddings]
    else:
        graph.inputs = [embeddings]
    graph.nodes[:0] = head
    if free:
        free_length(graph, _ROWS, published.context_length)
    return graph


@dataclass(frozen=True)
class Embedding:
    """Where a graph looks token numbers up in the token embedding."""

    nodes: list[Any]
    table: NDArray[Any]  # (tokens, width), mapped


def find_embedding(graph: Graph) -> Embedding:
    """The token embedding of `graph`, which takes token numbers alone. Raises ModelError if there
    is none, or there are several."""
    numbers, found, tables = {graph.inputs[0].name}, [], {}
    for node in graph.nodes:
        if node.op_type in ("Cast", "Identity", "Reshape") and node.input[0] in numbers:
            numbers.update(node.output)
        elif node.op_type == "Gather" and node.input[1] in numbers:
            table = graph.derived_constant(node.input[0])
            if table is not None and table.ndim == 2 and table.dtype.kind == "f":
                found.append(node)
                tables[node.input[0]] = table
    if len(tables) != 1:
        raise ModelError(f"{graph.path} is no text tower: it has no single token embedding")
    return Embedding(found, *tables.values())
