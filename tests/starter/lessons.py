"""What the image tower learns from: points of texts, and which photos they describe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from open_clip import CLIP, get_tokenizer
from photos import Photo
from torch.nn.functional import cross_entropy, normalize, softmax

_BANK = 768  # texts beside those of a batch
_SHARP = 0.05  # temperature of likenesses between texts
_SOFT = 0.3  # share of the target that follows them


@dataclass(frozen=True)
class Lessons:
    """`points`: float32 (texts, dimensions), of the text tower, which stays as it is;
    `of_photo`: the rows of each photo's texts; `text_group` and `photo_group`: int64, equal where
    a text is right for a photo: one group a captioned photo, one a class."""

    points: torch.Tensor
    of_photo: list[list[int]]
    text_group: torch.Tensor
    photo_group: torch.Tensor
    centres: torch.Tensor  # float32 (photos, dimensions), the mean direction of a photo's texts

    @classmethod
    def of(cls, photos: list[Photo], model: CLIP) -> Lessons:
        rows: dict[str, int] = {}
        of_photo = [[rows.setdefault(t, len(rows)) for t in p.texts] for p in photos]
        classes: dict[str, int] = {}
        group = [
            number if p.captioned else len(photos) + classes.setdefault(p.texts[0], len(classes))
            for number, p in enumerate(photos)
        ]
        text_group = torch.zeros(len(rows), dtype=torch.int64)
        for own, number in zip(of_photo, group, strict=True):
            text_group[own] = number
        points = encode(model, list(rows))
        centres = torch.stack([points[own].mean(0) for own in of_photo])
        return cls(points, of_photo, text_group, torch.tensor(group), normalize(centres, dim=-1))

    def weights(self) -> np.ndarray:
        """How often photos are drawn: captioned ones twice as often, since they look like what
        people keep, and their texts say more."""
        captioned = self.photo_group.numpy() < len(self.of_photo)
        return np.where(captioned, 2.0, 1.0)

    def loss(
        self,
        images: torch.Tensor,
        photos: np.ndarray,
        scale: torch.Tensor,
        rng: np.random.Generator,
    ) -> torch.Tensor:
        """How badly images (n, dimensions) and their texts find each other among many.

        Each photo's text is drawn here. Most of the target is what people wrote; the rest spreads
        over the other texts by their likeness to the photo's own, since many photos show a dog.
        """
        rows = torch.from_numpy(photos)
        own = torch.tensor([rng.choice(self.of_photo[i]) for i in photos])
        others = torch.from_numpy(rng.integers(len(self.points), size=_BANK))
        bank = torch.cat([own, others])
        texts = self.points[bank]
        right = (self.photo_group[rows][:, None] == self.text_group[bank][None]).float()
        right[range(len(photos)), range(len(photos))] = 1  # also of a text that two photos share
        alike = softmax(self.centres[rows] @ texts.T / _SHARP, dim=-1)
        target = (1 - _SOFT) * right / right.sum(1, keepdim=True) + _SOFT * alike
        logits = images @ texts.T * scale
        back = right[:, : len(photos)].T
        return cross_entropy(logits, target) + cross_entropy(
            logits[:, : len(photos)].T, back / back.sum(1, keepdim=True)
        )


@torch.no_grad()
def encode(model: CLIP, texts: list[str], batch: int = 256) -> torch.Tensor:
    """Unit vectors of texts, through open_clip's own tokenizer."""
    tokens = get_tokenizer("ViT-B-32")(texts)
    parts = [model.eval().encode_text(part, normalize=True) for part in tokens.split(batch)]
    return torch.cat(parts)
