"""Writes ONNX graphs of open_clip's transformers that are made by hand. Needs torch.

They are in float32, to be given 8-bit weights. With these they are a quarter faster than what
PyTorch's exporter makes:

- The mean and deviation of pixels are folded into the embedding of patches, which is a product of
  matrices, since patches don't overlap.
- Attention is a single operator.
- Only the class token, or the last token of a text, is read in the end, so that the last block
  computes just keys and values for all others. This saves a fourteenth of all products.
"""

from __future__ import annotations

from typing import Any

import torch
from open_clip.transformer import VisionTransformer

from csearchd.models.conversion import schema
from csearchd.models.export.graph import TransformerGraph, is_plain_block
from csearchd.models.export.text import TextBranch
from csearchd.models.preprocess import Preprocess


def is_plain_image_tower(visual: Any) -> bool:
    """Whether `write_image_graph` implements all that the image tower `visual`, one of open_clip's,
    does."""
    return (
        isinstance(visual, VisionTransformer)
        and visual.attn_pool is None
        and visual.pool_type == "tok"
        and visual.proj is not None
        and all(map(is_plain_block, visual.transformer.resblocks))
    )


def write_image_graph(visual: VisionTransformer, preprocess: Preprocess, path: str) -> None:
    """Writes the tower's graph to `path`, and its weights beside it: from uint8 `pixels` (n,
    height, width, 3) to float32 unit vectors (n, dimensions). Raises OSError."""
    with open(f"{path}.data", "wb") as weights:
        graph = TransformerGraph(path, weights)
        tokens = _embedded(graph, visual, preprocess)
        *blocks, last = visual.transformer.resblocks
        for block in blocks:
            normal = graph.normalised(tokens, block.ln_1)
            tokens = graph.attended(block, tokens, normal, normal)
        normal = graph.normalised(tokens, last.ln_1)
        tokens = graph.attended(last, graph.first(tokens), graph.first(normal), normal)
        pooled = graph.product(graph.normalised(tokens, visual.ln_post), visual.proj)
        vectors = graph.reshaped(graph.node("LpNormalization", pooled, axis=-1, p=2), (0, -1))
    shape: list[int | str] = ["count", preprocess.height, preprocess.width, 3]
    graph.write([("pixels", schema.UINT8, shape)], vectors, ["count", visual.proj.shape[1]])


def _embedded(graph: TransformerGraph, visual: VisionTransformer, preprocess: Preprocess) -> str:
    """Adds the embedding of the input `pixels`: the tokens (n, 1 + patches, width) of the first
    block.
    """
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
    patches = graph.node("Cast", patches, to=schema.FLOAT)
    patches = graph.product(patches, kernel.permute(2, 3, 1, 0).reshape(-1, width))
    # The class token is added, like a position, to a row of zeros before the patches.
    tokens = graph.node("Pad", patches, graph.integers((0, 1, 0, 0, 0, 0)))
    tokens = graph.node("Add", tokens, graph.numbers(places[None]))
    if isinstance(visual.ln_pre, torch.nn.Identity):
        return tokens
    return graph.normalised(tokens, visual.ln_pre)


def is_plain_text_tower(branch: TextBranch) -> bool:
    """Whether `write_text_graph` implements all that the text tower `branch` does."""
    return (
        branch.causal
        and branch.pool_type == "argmax"
        and isinstance(branch.projection, torch.nn.Parameter)
        and isinstance(branch.ln_final, torch.nn.LayerNorm)
        and all(map(is_plain_block, branch.transformer.resblocks))
    )


def write_text_graph(branch: TextBranch, path: str) -> None:
    """Writes the tower's graph to `path`, and its weights beside it: from int64 `tokens` (1,
    length) and their rows of the token embedding, float32 `embeddings` (1, length, width), to
    float32 (1, dimensions), not scaled to unit length. Raises OSError."""
    with open(f"{path}.data", "wb") as weights:
        graph = TransformerGraph(path, weights)
        # No token attends to later ones, so the tokens after the end token, which has the largest
        # number, are cut off.
        end = graph.node("ArgMax", "tokens", axis=1, keepdims=0)
        length = graph.node("Add", end, graph.integers((1,)))
        start, along = graph.integers((0,)), graph.integers((1,))
        tokens = graph.node(
            "Add",
            graph.node("Slice", "embeddings", start, length, along),
            graph.node("Slice", graph.numbers(branch.positional_embedding), start, length, start),
        )
        *blocks, last = branch.transformer.resblocks
        for block in blocks:
            normal = graph.normalised(tokens, block.ln_1)
            tokens = graph.attended(block, tokens, normal, normal, causal=True)
        normal = graph.normalised(tokens, last.ln_1)
        tokens = graph.attended(last, graph.last(tokens), graph.last(normal), normal)
        pooled = graph.product(graph.normalised(tokens, branch.ln_final), branch.projection)
        vector = graph.reshaped(pooled, (0, -1))
    width = branch.positional_embedding.shape[1]
    taken: list[tuple[str, int, list[int | str]]] = [
        ("tokens", schema.INT64, [1, "length"]),
        ("embeddings", schema.FLOAT, [1, "length", width]),
    ]
    graph.write(taken, vector, [1, branch.projection.shape[1]])
