"""The joint space: where the teacher's features and the sentence encoder's vectors meet.

Both students, the image tower and the text tower, later aim at points of this space.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from photos import Photo
from sentences import WIDTH
from teacher import FEATURES
from torch import nn
from torch.nn.functional import cross_entropy, normalize

DIM = 256


@dataclass
class Texts:
    """The different texts of all photos, and which of them belong to which photo."""

    texts: list[str]
    of_photo: list[list[int]]

    @classmethod
    def of(cls, photos: list[Photo]) -> Texts:
        index: dict[str, int] = {}
        rows = [[index.setdefault(t, len(index)) for t in p.texts] for p in photos]
        return cls(list(index), rows)


class Joint(nn.Module):
    """One hidden layer for each side; the image side standardises the teacher's feature first."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("std", torch.ones(FEATURES))
        self.image = nn.Sequential(
            nn.Dropout(0.2),
            nn.Linear(FEATURES, 768),
            nn.GELU(),
            nn.Dropout(0.3),
            nn.Linear(768, DIM),
        )
        self.text = nn.Sequential(
            nn.Linear(WIDTH, 768), nn.GELU(), nn.Dropout(0.2), nn.Linear(768, DIM)
        )
        self.scale = nn.Parameter(torch.tensor(2.7))

    def standard(self, feature: torch.Tensor) -> torch.Tensor:
        """The teacher's int8 feature with every dimension at mean 0 and deviation 1."""
        return (feature.float() - self.mean) / self.std

    def images(self, feature: torch.Tensor) -> torch.Tensor:
        return normalize(self.image(self.standard(feature)), dim=-1)

    def sentences(self, vector: torch.Tensor) -> torch.Tensor:
        return normalize(self.text(vector), dim=-1)


def sampling_weights(photos: list[Photo]) -> np.ndarray:
    """Captioned photos count twice: they look like what people keep, and say more."""
    weights = np.array([2.0 if p.captioned else 1.0 for p in photos])
    return weights / weights.sum()


def fit(
    photos: list[Photo],
    texts: Texts,
    sentences: torch.Tensor,
    passes: list[np.ndarray],
    out: Path,
    steps: int = 2500,
    batch: int = 768,
) -> Joint:
    """Contrastive fit of both sides; a text that two photos share is right for both."""
    joint = Joint()
    if out.exists():
        joint.load_state_dict(torch.load(out))
        return joint.eval()
    joint.mean.copy_(torch.from_numpy(passes[0].mean(0, dtype=np.float64)))
    joint.std.copy_(torch.from_numpy(passes[0].std(0, dtype=np.float64)).clamp_min(0.5))
    optimizer = torch.optim.AdamW(joint.parameters(), lr=1e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    rng = np.random.default_rng(0)
    weights = sampling_weights(photos)
    for _ in range(steps):
        rows = rng.choice(len(photos), batch, replace=False, p=weights)
        features = passes[rng.integers(len(passes))][rows]
        own = torch.tensor([texts.of_photo[i][rng.integers(len(texts.of_photo[i]))] for i in rows])
        sentence = sentences[own]
        image, text = joint.images(torch.from_numpy(features)), joint.sentences(sentence)
        logits = image @ text.T * joint.scale.clamp(max=4.6).exp()
        same = (own[:, None] == own[None]).float()
        same /= same.sum(1, keepdim=True)
        loss = cross_entropy(logits, same) + cross_entropy(logits.T, same)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    torch.save(joint.state_dict(), out)
    return joint.eval()
