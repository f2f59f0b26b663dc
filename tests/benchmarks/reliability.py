"""A reliability diagram as SVG: how often results were right, by the probability that they had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 10
_SIDE, _LEFT, _TOP, _GAP = 300, 60, 50, 90


class Bin(NamedTuple):
    """Results of similar probability: its mean, the share of right ones, and how many they are."""

    probability: float
    right: float
    count: int


def bins(sure: NDArray[np.floating], right: NDArray[np.generic]) -> list[Bin]:
    """`sure` and `right` are those of results, (n,)."""
    number = np.minimum((sure * BINS).astype(int), BINS - 1)
    return [
        Bin(
            round(float(sure[number == one].mean()), 3),
            round(float(right[number == one].mean()), 3),
            int((number == one).sum()),
        )
        for one in range(BINS)
        if (number == one).any()
    ]


def calibration_error(of: Sequence[Bin]) -> float:
    """The mean distance of probabilities from the shares of right results."""
    count = sum(one.count for one in of)
    return round(sum(abs(one.probability - one.right) * one.count for one in of) / count, 3)


def draw(panels: Mapping[str, Sequence[Bin]]) -> str:
    """A diagram for each of some sets of results, by name; the fuller a bin, the larger."""
    width = len(panels) * (_SIDE + _GAP) + 40
    parts = [_panel(name, of, number) for number, (name, of) in enumerate(panels.items())]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_SIDE + 110}" '
        'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _panel(name: str, of: Sequence[Bin], number: int) -> str:
    left = _LEFT + number * (_SIDE + _GAP)

    def place(across: float, up: float) -> tuple[float, float]:
        return left + across * _SIDE, _TOP + (1 - up) * _SIDE

    parts = [f'<text x="{left}" y="24" font-size="14">{name}</text>']
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        (x, bottom), (_, y) = place(share, 0), place(0, share)
        parts.append(f'<line x1="{x}" y1="{bottom}" x2="{x}" y2="{_TOP}" stroke="#ddd"/>')
        parts.append(f'<line x1="{left}" y1="{y}" x2="{left + _SIDE}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{share:g}</text>')
        parts.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{share:g}</text>')
    (x, y), (right, top) = place(0, 0), place(1, 1)
    parts.append(f'<line x1="{x}" y1="{y}" x2="{right}" y2="{top}" stroke="#888"/>')
    parts.append(
        f'<text x="{left + _SIDE / 2}" y="{y + 38}" text-anchor="middle">'
        f"probability; right (upwards); calibration error {calibration_error(of)}</text>"
    )
    most = max(one.count for one in of)
    for one in of:
        x, y = place(one.probability, one.right)
        size = 3 + 9 * (one.count / most) ** 0.5
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" fill="#1f6feb"/>')
    return "".join(parts)
