"""Muon: momentum whose matrices are made orthogonal, which short training gains much from."""

from __future__ import annotations

import torch
import torch.distributed as dist


def orthogonal(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Newton-Schulz iteration towards the nearest (semi-)orthogonal matrix."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = (x / (x.norm() + 1e-7)).bfloat16()
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    x = x.float()
    return x.T if matrix.shape[0] > matrix.shape[1] else x


class Muon(torch.optim.Optimizer):
    """For weights of two or more dimensions; a convolution's kernel counts as a matrix.

    Steps are scaled so that learning rate and weight decay mean what they mean to AdamW. The
    workers, which all hold the same gradients, share the iteration out among themselves.
    """

    def __init__(self, params: list[torch.nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        rank, workers = (
            (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        )
        for group in self.param_groups:
            updates = []
            for i, weight in enumerate(group["params"]):
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                momentum = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                if i % workers == rank:
                    ahead = weight.grad.lerp(momentum, group["momentum"]).flatten(1)
                    update = orthogonal(ahead) * 0.2 * max(ahead.shape) ** 0.5
                    updates.append(update.flatten())
                else:
                    updates.append(torch.zeros(weight.numel()))
            flat = torch.cat(updates)
            if workers > 1:
                dist.all_reduce(flat)
            for weight, update in zip(
                group["params"], flat.split([u.numel() for u in updates]), strict=True
            ):
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update.view(weight.shape), alpha=-group["lr"])
