"""Query time and memory against the size of the library, ours and rclip's, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH, _HEIGHT, _LEFT, _TOP = 380, 300, 60, 40
_COLOURS = {"csearch": "#1f6feb", "rclip": "#d1242f"}

Points = Sequence[tuple[float, float]]


def draw(queries: Mapping[int, Any], footprint: Mapping[int, Any]) -> str:
    """`queries` and `footprint` by size, as the benchmarks print them."""
    times = {
        "csearch": [(size, part["csearch"]["new_words"]) for size, part in queries.items()],
        "rclip": _of_rclip(queries, "seconds"),
    }
    memory = {
        "csearch": [(size, part["pss"]) for size, part in footprint.items()],
        "rclip": _of_rclip(queries, "peak_mb"),
    }
    panels = _panel("seconds a search", times, 0) + _panel("MB of memory", memory, _WIDTH + 90)
    size = f'width="{2 * _WIDTH + 200}" height="{_HEIGHT + 90}"'
    style = 'font-family="sans-serif" font-size="12"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
        f'<rect width="100%" height="100%" fill="white"/>{panels}</svg>\n'
    )


def _of_rclip(queries: Mapping[int, Any], key: str) -> list[tuple[float, float]]:
    return [(size, part["rclip"][key]) for size, part in queries.items() if "rclip" in part]


def _panel(title: str, lines: Mapping[str, Points], offset: int) -> str:
    """One diagram with logarithmic axes."""
    every = [point for points in lines.values() for point in points]
    left, right = _decades([x for x, _ in every])
    bottom, top = _decades([y for _, y in every])

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - left) / (right - left)
        up = (math.log10(y) - bottom) / (top - bottom)
        return offset + _LEFT + across * _WIDTH, _TOP + _HEIGHT * (1 - up)

    parts = [f'<text x="{offset + _LEFT}" y="22" font-size="14">{title}</text>']
    for power in range(left, right + 1):
        x, y = place(10**power, 10**bottom)
        parts.append(_line(x, y, x, _TOP, "#ddd"))
        parts.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in range(bottom, top + 1):
        x, y = place(10**left, 10**power)
        parts.append(_line(x, y, x + _WIDTH, y, "#ddd"))
        parts.append(f'<text x="{x - 6}" y="{y + 4}" text-anchor="end">{10**power:g}</text>')
    for name, points in lines.items():
        colour = _COLOURS[name]
        places = [place(x, y) for x, y in sorted(points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        if places:
            x, y = places[-1]
            parts.append(
                f'<text x="{x - 4}" y="{y - 8}" text-anchor="end" fill="{colour}">{name}</text>'
            )
    middle = offset + _LEFT + _WIDTH / 2
    parts.append(
        f'<text x="{middle}" y="{_TOP + _HEIGHT + 40}" text-anchor="middle">pictures</text>'
    )
    return "".join(parts)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """Powers of ten that hold the values between them."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"/>'
