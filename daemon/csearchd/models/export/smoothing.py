"""Moves the outliers of a transformer's activations into its weights, before these get 8 bits.
Needs torch.

Trained towers have a few channels that are ten times as large as the others. Activations are
quantised with one scale for all channels, so that little is left of the small ones. A LayerNorm
that divides the large channels, and a product whose rows are multiplied by as much, give the same
result (SmoothQuant, https://arxiv.org/abs/2211.10438). The rows that are large then are multiplied
in float32 (Graph.product).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from open_clip.transformer import ResidualAttentionBlock

_SMALLEST = 1e-5  # of what is divided by


@contextlib.contextmanager
def recorded_maxima(tower: torch.nn.Module) -> Iterator[dict[torch.nn.Module, torch.Tensor]]:
    """Records, for each LayerNorm in `tower`, the largest absolute value of each channel of what it
    gives while the `with` block runs the tower: float32 (width,)."""
    maxima: dict[torch.nn.Module, torch.Tensor] = {}

    def record(layer: torch.nn.Module, _: Any, output: torch.Tensor) -> None:
        found = output.detach().float().abs().flatten(0, -2).amax(dim=0)
        maxima[layer] = torch.maximum(maxima[layer], found) if layer in maxima else found

    layers = [layer for layer in tower.modules() if isinstance(layer, torch.nn.LayerNorm)]
    hooks = [layer.register_forward_hook(record) for layer in layers]
    try:
        yield maxima
    finally:
        for hook in hooks:
            hook.remove()


def smooth(tower: torch.nn.Module, maxima: dict[torch.nn.Module, torch.Tensor]) -> None:
    """Changes the weights of open_clip's transformer blocks in `tower`, not what it computes, so
    that 8 bits lose less. `maxima`: what `recorded_maxima` gave."""
    for block in tower.modules():
        if isinstance(block, ResidualAttentionBlock) and block.ln_1 in maxima:
            with torch.no_grad():
                _balance(block.ln_1, block.attn.in_proj_weight, maxima[block.ln_1])
                _balance(block.ln_2, block.mlp.c_fc.weight, maxima[block.ln_2])


def _balance(layer: torch.nn.LayerNorm, weight: torch.Tensor, maxima: torch.Tensor) -> None:
    """Divides the channels of `layer` so that they are about as uneven as the rows of the matrix
    `weight` (outputs, channels), which it multiplies."""
    largest = maxima.clamp(min=_SMALLEST) / weight.abs().amax(dim=0).clamp(min=_SMALLEST)
    scale = largest.sqrt()
    layer.weight /= scale
    layer.bias /= scale
    weight *= scale
