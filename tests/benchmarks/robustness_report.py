"""The figures of robustness.py as a table, and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from distortions import DISTORTIONS

UNITS = {name: distortion.unit for name, distortion in DISTORTIONS.items()}
UNITS["truncated"] = "of the file's bytes are left"

_WIDTH, _HEIGHT, _GAP = 180, 110, 50
_COLUMNS = 4


def table(found: Mapping[str, Any]) -> str:
    """Markdown: a row for each distortion, with the figures of each strength, weakest first."""
    names = [name for name in found["none"] if name != "unreadable"]
    lines = [f"| distortion | strengths | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    lines.append(f"| none | | {' | '.join(_figure(found['none'][n]) for n in names)} |")
    for distortion, grades in found.items():
        if distortion == "none":
            continue
        cells = [" / ".join(_figure(grade[name]) for grade in grades.values()) for name in names]
        strengths = f"{' / '.join(grades)} {UNITS[distortion]}"
        lines.append(f"| {distortion} | {strengths} | {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(found: Mapping[str, Any], model: str) -> str:
    """SVG: for each distortion a diagram of the last figure (recall@10, or top-1) by strength."""
    key = "recall@10" if "recall@10" in found["none"] else "top-1"
    base = found["none"][key]
    panels = []
    for number, (name, grades) in enumerate((n, g) for n, g in found.items() if n != "none"):
        left = 40 + number % _COLUMNS * (_WIDTH + _GAP)
        top = 60 + number // _COLUMNS * (_HEIGHT + _GAP + 20)
        values = [base, *(grade[key] for grade in grades.values())]
        panels.append(_panel(left, top, name, ["none", *grades], values))
    rows = -(-len(panels) // _COLUMNS)
    width, height = 40 + _COLUMNS * (_WIDTH + _GAP), 60 + rows * (_HEIGHT + _GAP + 20)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="40" y="24" font-size="15">{escape(model)}: {key} by distortion</text>'
        f"{''.join(panels)}</svg>\n"
    )


def _panel(left: int, top: int, name: str, labels: list[str], values: list[float]) -> str:
    def place(number: int, value: float) -> tuple[float, float]:
        return left + number * _WIDTH / (len(values) - 1), top + _HEIGHT * (1 - value)

    title = f"{name} ({UNITS[name]})"
    parts = [f'<text x="{left}" y="{top - 8}" font-size="10">{escape(title)}</text>']
    for share in (0.0, 0.5, 1.0):
        y = top + _HEIGHT * (1 - share)
        parts.append(
            f'<line x1="{left}" y1="{y}" x2="{left + _WIDTH}" y2="{y}" stroke="#ddd"/>'
            f'<text x="{left - 4}" y="{y + 4}" text-anchor="end">{share:g}</text>'
        )
    points = [place(number, value) for number, value in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts.append(f'<polyline points="{line}" fill="none" stroke="#1f6feb" stroke-width="2"/>')
    for (x, y), label in zip(points, labels, strict=True):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#1f6feb"/>')
        below = top + _HEIGHT + 15
        parts.append(f'<text x="{x:.1f}" y="{below}" text-anchor="middle">{escape(label)}</text>')
    return "".join(parts)


def _figure(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")
