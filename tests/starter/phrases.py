"""Texts beyond the photos' own: what people type is shorter and wider than captions are."""

from __future__ import annotations

import random
from pathlib import Path

from photos import with_article
from sentences import encoder_dir

STOP = frozenset(
    (
        *("a", "an", "the", "this", "that", "other", "one", "some", "two", "three", "there"),
        *("of", "in", "on", "at", "to", "with", "by", "for", "from", "into", "through", "up"),
        *("down", "out", "over", "near", "next", "and", "while", "as", "is", "are", "be", "has"),
        *("have", "wearing", "it", "he", "she", "they", "who", "his", "her", "its", "their"),
    )
)
COLOURS = (
    *("red", "blue", "green", "yellow", "black", "white", "brown", "orange", "pink", "purple"),
    *("grey", "golden"),
)
PLACES = (
    *("on the beach", "in the snow", "in the water", "on the street", "in the grass", "at night"),
    *("on a table", "in the mountains", "in the city", "in the forest", "at sunset", "in a room"),
    *("in the sky", "on a road"),
)
WORDS = 14_000


def vocabulary() -> list[str]:
    """The sentence encoder's own vocabulary, commonest words first, word pieces left out."""
    lines = (encoder_dir() / "vocab.txt").read_text(encoding="utf-8").splitlines()
    words = [w for w in lines if w.isascii() and w.isalpha() and len(w) >= 3]
    return words[:WORDS]


def object_names(data: Path) -> list[str]:
    """ImageNet's class names, synonyms apart."""
    lines = (data / "teacher" / "imagenet_labels.txt").read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(n.strip() for line in lines[1:] for n in line.split(",")))


def fragments(caption: str, rng: random.Random) -> list[str]:
    """A stretch of a caption, and a few of its telling words, as in "dog beach"."""
    words = caption.lower().replace(",", "").split()
    telling = [w for w in words if w not in STOP]
    out = []
    if len(words) > 4:
        length = rng.randint(2, 5)
        start = rng.randrange(len(words) - length + 1)
        out.append(" ".join(words[start : start + length]))
    if len(telling) > 2:
        chosen = sorted(rng.sample(range(len(telling)), rng.randint(2, 3)))
        out.append(" ".join(telling[i] for i in chosen))
    return out


def phrases(captions: list[str], labels: list[str], data: Path) -> list[str]:
    """Words, names, names with colours and places, pairs, and fragments of captions."""
    rng = random.Random(0)
    names = list(dict.fromkeys(object_names(data) + labels))
    out = vocabulary() + names
    out += [f"a photo of {with_article(n)}" for n in names]
    out += [f"{rng.choice(COLOURS)} {n}" for n in names]
    out += [f"{n} {rng.choice(PLACES)}" for n in names for _ in range(2)]
    out += [f"{a} and {rng.choice(names)}" for a in names]
    for caption in captions:
        out += fragments(caption, rng)
    return list(dict.fromkeys(out))
