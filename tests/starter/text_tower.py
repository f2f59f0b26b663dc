"""The text tower, from scratch: first it mimics the sentence encoder's points in the joint space,
then it is fitted to where the finished image tower really puts the photos."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from open_clip import CLIP, get_tokenizer
from torch.nn.functional import cross_entropy, kl_div, log_softmax, normalize, softmax

BATCH = 384
SHARP = 0.05
LONGEST = 40


@dataclass
class Corpus:
    """Texts as tokens, their goals in the joint space, and how often each kind is drawn."""

    tokens: torch.Tensor
    goals: torch.Tensor
    kinds: list[tuple[torch.Tensor, float]]

    def draw(self, count: int) -> torch.Tensor:
        parts = [
            rows[torch.randint(len(rows), (int(count * share),))] for rows, share in self.kinds
        ]
        return torch.cat(parts)


def tokenise(texts: list[str]) -> torch.Tensor:
    """CLIP's own tokens, in rows no longer than captions are."""
    return get_tokenizer("ViT-B-32")(texts, context_length=LONGEST).to(torch.int32)


def encode(model: CLIP, tokens: torch.Tensor) -> torch.Tensor:
    """`encode_text` without the padding, which a causal tower cannot see anyway.

    Texts of like length go through together: the longest one sets what a batch costs.
    """
    lengths = tokens.argmax(-1) + 1
    order = lengths.argsort()
    parts = []
    for rows in order.chunk(4):
        length = int(lengths[rows].max())
        x = (
            model.token_embedding(tokens[rows, :length].long())
            + model.positional_embedding[:length]
        )
        x = model.transformer(x, attn_mask=model.attn_mask[:length, :length])
        x = model.ln_final(x[torch.arange(len(rows)), lengths[rows] - 1])
        parts.append(normalize(x @ model.text_projection, dim=-1))
    return torch.cat(parts)[order.argsort()]


def text_parameters(model: CLIP) -> list[torch.nn.Parameter]:
    """All of the text tower, none of the image tower."""
    return [
        p for n, p in model.named_parameters() if not n.startswith("visual.") and n != "logit_scale"
    ]


def mimic(
    model: CLIP, corpus: Corpus, images: torch.Tensor, minutes: float, saved: Path, lr: float = 2e-3
) -> None:
    """Be where the sentence encoder's text is, most of all as seen from photos' points."""
    weights = text_parameters(model)
    optimizer = torch.optim.AdamW(weights, lr, (0.9, 0.98), weight_decay=0.0, fused=True)
    start, step, progress = time.monotonic(), 0, 0.0
    while progress < 1:
        rows = corpus.draw(BATCH)
        goal = corpus.goals[rows]
        bank = images[torch.randint(len(images), (512,))].T / SHARP
        point = encode(model, corpus.tokens[rows])
        near = 1 - (point * goal).sum(-1).mean()
        alike = kl_div(
            log_softmax(point @ bank, dim=-1), softmax(goal @ bank, dim=-1), reduction="batchmean"
        )
        optimizer.zero_grad()
        (near + 0.2 * alike).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        progress = (time.monotonic() - start) / 60 / minutes
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, step / 100) * max(0.02, 1 - progress)
        optimizer.step()
        step += 1
        if step % 100 == 0:
            print(f"text step {step}, {progress:.2f}: {near:.3f} {alike:.3f}", flush=True)
    torch.save(model.state_dict(), saved)
    print(f"text tower: {step} steps of {BATCH}", flush=True)


def settle(
    model: CLIP,
    corpus: Corpus,
    own: list[list[int]],
    photos: torch.Tensor,
    minutes: float,
    lr: float = 3e-4,
) -> None:
    """Contrastive against the finished image tower's points (photo x crop), still near the goals.

    `own` lists the rows of `corpus` that belong to each photo.
    """
    weights = text_parameters(model)
    optimizer = torch.optim.AdamW(weights, lr, (0.9, 0.98), weight_decay=0.0, fused=True)
    start, step, progress = time.monotonic(), 0, 0.0
    while progress < 1:
        chosen = torch.randperm(len(photos))[:BATCH]
        rows = torch.tensor([random.choice(own[i]) for i in chosen.tolist()])
        image = photos[chosen, torch.randint(photos.shape[1], (BATCH,))]
        other = corpus.draw(BATCH // 2)
        point = encode(model, corpus.tokens[torch.cat([rows, other])])
        near = 1 - (point * corpus.goals[torch.cat([rows, other])]).sum(-1).mean()
        logits = point[:BATCH] @ image.T / SHARP
        same = (rows[:, None] == rows[None]).float()
        same /= same.sum(1, keepdim=True)
        match = (cross_entropy(logits, same) + cross_entropy(logits.T, same)) / 2
        optimizer.zero_grad()
        (near + 0.2 * match).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        progress = (time.monotonic() - start) / 60 / minutes
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, step / 30) * max(0.02, 1 - progress)
        optimizer.step()
        step += 1
        if step % 50 == 0:
            print(f"settle step {step}, {progress:.2f}: {near:.3f} {match:.3f}", flush=True)
