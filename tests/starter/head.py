"""The image tower's head, fitted on pooled features of the trunk as published.

Beside the photos' own texts it learns ImageNet's class names, by what the trunk's classifier sees
in a photo: few of these things are ever named in a caption. Several heads, each fitted from other
random weights, put unseen photos better than one does where these belong, on average; one last head
learns that average.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import student
import torch
from features import View
from lessons import Lessons
from torch import nn
from torch.nn.functional import cross_entropy, dropout, normalize, softmax
from trunk import published_classifier

_BATCH = 512
_STEPS, _RATE = 1300, 2e-3
_MERGING_STEPS, _MERGING_RATE = 400, 1e-3
_DROPOUT = 0.2  # of the standardised features
_SCALE = 20.0  # of cosines, as logits
_NAMES_SHARE = 0.3  # weight of the class names' loss


class Features:
    """Pooled features of all views, standardised, drawn as often as lessons want them."""

    def __init__(self, lessons: Lessons, views: list[View]) -> None:
        pooled = torch.cat([torch.from_numpy(np.array(view.pooled)) for view in views]).float()
        self.mean, self.std = pooled.mean(0), pooled.std(0).clamp_min(1e-3)
        self.values = (pooled - self.mean) / self.std
        self.photos = np.concatenate([view.rows for view in views])
        self._chances = lessons.weights()[self.photos]
        self._chances /= self._chances.sum()

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Rows of `values` and `photos`, for a batch."""
        return rng.choice(len(self.photos), _BATCH, p=self._chances)

    def plain(self, values: torch.Tensor) -> torch.Tensor:
        """As the trunk gives them."""
        return values * self.std + self.mean


def fit(lessons: Lessons, features: Features, names: torch.Tensor, saved: Path, seed: int) -> None:
    """Fits a head and saves its weights, unless they are there.

    `names`: float32 (1000, dimensions), the points of ImageNet's class names.
    """
    if saved.exists():
        return
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    head, classifier = student.head().train(), published_classifier()
    scale = nn.Parameter(torch.tensor(_SCALE).log())
    optimizer = torch.optim.AdamW([*head.parameters(), scale], _RATE, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=_STEPS)
    for step in range(_STEPS):
        rows = features.draw(rng)
        values = features.values[rows]
        points = normalize(head(dropout(values, _DROPOUT)), dim=-1)
        loss = lessons.loss(points, features.photos[rows], scale.exp(), rng)
        seen = softmax(classifier(features.plain(values)), dim=-1)
        loss = loss + _NAMES_SHARE * cross_entropy(points @ names.T * scale.exp(), seen)
        _step(optimizer, schedule, loss, step)
    student.fold(head.mlp.fc1, features.mean, features.std)
    torch.save(head.state_dict(), saved)


def merge(heads: list[Path], features: Features, saved: Path) -> None:
    """Fits one head to the mean direction of several, and saves its weights, unless they are there.

    It learns from mixtures of two photos: the heads know the photos themselves by heart.
    """
    if saved.exists():
        return
    rng = np.random.default_rng(0)
    teachers = [student.head().eval() for _ in heads]
    for teacher, path in zip(teachers, heads, strict=True):
        teacher.load_state_dict(torch.load(path))
    head = student.head().eval()  # without dropout
    head.load_state_dict(teachers[-1].state_dict())
    student.fold(head.mlp.fc1, -features.mean / features.std, 1 / features.std)
    optimizer = torch.optim.AdamW(head.parameters(), _MERGING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _MERGING_RATE, total_steps=_MERGING_STEPS
    )
    for step in range(_MERGING_STEPS):
        share = torch.from_numpy(rng.uniform(0.5, 1, (_BATCH, 1))).float()
        values = features.values[features.draw(rng)].lerp(
            features.values[features.draw(rng)], 1 - share
        )
        with torch.no_grad():
            plain = features.plain(values)
            goal = normalize(sum(normalize(teacher(plain), dim=-1) for teacher in teachers), dim=-1)
        loss = 1 - (normalize(head(values), dim=-1) * goal).sum(1).mean()
        _step(optimizer, schedule, loss, step)
    student.fold(head.mlp.fc1, features.mean, features.std)
    torch.save(head.state_dict(), saved)


def _step(
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    loss: torch.Tensor,
    step: int,
) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    if step % 50 == 0:
        print(f"step {step}: {loss.item():.4f}", flush=True)
