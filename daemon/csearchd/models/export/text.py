"""Writes open_clip's text tower as an ONNX graph in float32. Needs torch.

The graph takes the rows of the token embedding, which is a file of its own, beside the tokens.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from open_clip.transformer import text_global_pool


class TextBranch(torch.nn.Module):  # type: ignore[misc]
    """open_clip's text tower for texts of any length up to its context: int64 tokens (1, length)
    and their rows of the token embedding, float32 (1, length, width), to float32 (1, dimensions),
    not scaled to unit length.

    It cuts the positional embedding and the causal mask to the length of the text, of which
    open_clip's `encode_text` takes all. `causal`: what follows the token at which the vector is
    read doesn't change it, so that texts need no padding.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        text = getattr(model, "text", model)  # CustomTextCLIP keeps the tower apart, CLIP doesn't
        self.positional_embedding = text.positional_embedding
        self.transformer = text.transformer
        self.ln_final = text.ln_final
        self.projection = text.text_projection
        own = hasattr(text, "pool_type")  # of TextTransformer; CLIP has the tower's fields itself
        self.pool_type: str = text.pool_type if own else text.text_pool_type
        self.end: int = text.eos_id if own else text.text_eos_id
        self.masked = text.attn_mask is not None
        self.causal = self.masked and self.pool_type != "last"
        if self.masked:
            self.register_buffer("mask", text.attn_mask)

    def forward(self, tokens: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        length = tokens.shape[1]
        x = embeddings + self.positional_embedding[:length]
        mask = self.mask[:length, :length] if self.masked else None
        x = self.ln_final(self.transformer(x, attn_mask=mask))
        x = text_global_pool(x, tokens, self.pool_type, eos_token_id=self.end)
        if isinstance(self.projection, torch.nn.Linear):
            return self.projection(x)
        return x if self.projection is None else x @ self.projection


def write_text_tower(branch: TextBranch, context_length: int, path: str) -> None:
    """Exports `branch` in float32 to `path`; the graph of a causal tower takes texts of any length.
    Raises what torch's exporter does."""
    tokens = torch.zeros(1, context_length, dtype=torch.int64)
    embeddings = torch.zeros(1, context_length, branch.positional_embedding.shape[1])
    length = {1: torch.export.Dim("length", min=2, max=context_length)}
    with quiet(), torch.inference_mode():
        torch.onnx.export(
            branch,
            (tokens, embeddings),
            path,
            input_names=["tokens", "embeddings"],
            output_names=["vector"],
            dynamic_shapes={"tokens": length, "embeddings": length} if branch.causal else None,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppresses what the exporters print and log; they raise their errors."""
    handlers = logging.root.handlers[:]
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            open(os.devnull, "w") as nothing,
            contextlib.redirect_stdout(nothing),
            contextlib.redirect_stderr(nothing),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
        # `logging.warning`, which the exporters call, adds one that writes to `nothing`.
        logging.root.handlers[:] = handlers
