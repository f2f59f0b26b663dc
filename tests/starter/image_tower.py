"""The image tower's lessons: the student with its losses, its batches, and its schedule."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import student
import torch
from crops import cut, jitter
from joint import Joint, Texts
from muon import Muon
from photos import Pack, Photo
from teacher import FEATURES
from torch import nn
from torch.nn.functional import cosine_similarity, log_softmax, normalize, softmax

BATCH = 48  # a worker's
BANK = 768
SHARP = 0.05  # temperature of the similarities that the student imitates


@dataclass
class Lesson:
    """Everything a worker needs to know; sent to it once."""

    photos: list[Photo]
    texts: Texts
    text_points: torch.Tensor
    pack_dir: Path
    passes_dir: Path
    joint_path: Path
    work: Path
    minutes: float
    lr: float = 3e-3


class Crops:
    """The passes of crops that the teacher has seen by now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: list[str] = []
        self.passes: list[dict[str, np.ndarray]] = []
        self.refresh()

    def refresh(self) -> None:
        for path in sorted(self._folder.glob("crops*.npz")):
            if path.name not in self._names:
                self._names.append(path.name)
                self.passes.append(dict(np.load(path)))


class Tower(nn.Module):
    """The student's image tower with a head that training throws away."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.visual = student.build().visual
        self.guess = nn.Linear(1280, FEATURES)  # of the teacher's feature

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        trunk = self.visual.trunk
        with torch.autocast("cpu", torch.bfloat16):
            pooled = trunk.forward_head(trunk.forward_features(pixels), pre_logits=True)
        pooled = pooled.float()
        return normalize(trunk.classifier(pooled), dim=-1), self.guess(pooled)


def side_at(progress: float) -> int:
    """Small pictures first: most of what there is to learn shows at that size, and it is quick."""
    return 96 if progress < 0.3 else 112 if progress < 0.7 else 128


def rate_at(progress: float) -> float:
    """A short rise, then straight down to nothing."""
    return min(1.0, progress / 0.02) * max(0.0, 1 - progress)


def batch_of(
    rows: np.ndarray, pack: Pack, crops: Crops, side: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Crops as bytes, and the teacher's features of them."""
    pixels = np.empty((len(rows), side, side, 3), np.uint8)
    features = np.empty((len(rows), FEATURES), np.int8)
    for k, row in enumerate(rows):
        seen = crops.passes[rng.integers(len(crops.passes))]
        flip = bool(seen["flips"][row]) ^ bool(rng.random() < 0.5)
        pixels[k] = cut(pack.image(row), tuple(seen["boxes"][row].tolist()), side, flip)
        features[k] = seen["features"][row]
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.from_numpy(features)


def loss_of(
    tower: Tower,
    joint: Joint,
    pixels: torch.Tensor,
    features: torch.Tensor,
    own: torch.Tensor,
    bank: torch.Tensor,
    points: torch.Tensor,
) -> tuple[torch.Tensor, list[float]]:
    """The teacher's feature, its point in the joint space, and its likeness to many texts."""
    with torch.no_grad():
        goal = joint.images(features)
        texts = points[bank]
        likeness = softmax(goal @ texts.T / SHARP, dim=-1) * 0.6
        likeness[torch.arange(len(own)), torch.searchsorted(bank, own)] += 0.4
    point, guess = tower(student.pixels_to_input(jitter(pixels / 255)))
    feature_loss = 1 - cosine_similarity(guess, joint.standard(features)).mean()
    point_loss = 1 - (point * goal).sum(-1).mean()
    match_loss = -(likeness * log_softmax(point @ texts.T / SHARP, dim=-1)).sum(-1).mean()
    parts = [feature_loss.item(), point_loss.item(), match_loss.item()]
    return feature_loss + point_loss + 0.15 * match_loss, parts


def optimizers(tower: Tower, lr: float) -> list[torch.optim.Optimizer]:
    """Muon for the trunk's matrices, AdamW for the rest."""
    matrices = [
        p for n, p in tower.visual.trunk.named_parameters() if p.ndim > 1 and "classifier" not in n
    ]
    chosen = {id(p) for p in matrices}
    rest = [p for p in tower.parameters() if id(p) not in chosen]
    return [Muon(matrices, lr, 0.05), torch.optim.AdamW(rest, lr, (0.9, 0.98), weight_decay=0.05)]
