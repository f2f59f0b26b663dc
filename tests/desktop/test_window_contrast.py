"""What the search window shows can be told apart, light and dark: measured on its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from support.desktop import Desktop, needs
from support.search_window import APPLICATION, COMMAND, focus, search_window, see
from support.user import wait_for

pytestmark = needs()

_SHARE = 0.002  # of the pixels: the strokes of letters, not their blurred edges


def luminance(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """As WCAG 2 defines it."""
    parts = pixels.astype(np.float64) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ [0.2126, 0.7152, 0.0722])


def contrast(pixels: NDArray[np.uint8]) -> float:
    """Between the background, which most pixels have, and what differs most from it."""
    levels = np.sort(luminance(pixels).ravel())
    background = float(np.median(levels))
    count = max(int(len(levels) * _SHARE), 1)
    lightest, darkest = float(levels[-count]), float(levels[count - 1])
    return max(
        (max(background, other) + 0.05) / (min(background, other) + 0.05)
        for other in (lightest, darkest)
    )


@pytest.mark.parametrize("theme", ["Default", "Default:dark"])
def test_the_state_line_and_a_selected_picture(screen: Desktop, tmp_path: Path, theme: str) -> None:
    dark = "prefer-dark" if theme.endswith("dark") else "prefer-light"
    look = {"GTK_THEME": theme, "ADW_DEBUG_COLOR_SCHEME": dark}
    file = tmp_path / "screen.png"
    with search_window(screen, *COMMAND, "a cup of coffee", **look) as window:
        see(screen, "coffee")
        screen.wait_for_text(APPLICATION, " of 8 ")
        place = screen.keys("getwindowgeometry", "--shell", window)
        told = dict(line.split("=") for line in place.splitlines())
        left, top, width, height = (int(told[key]) for key in ("X", "Y", "WIDTH", "HEIGHT"))

        def pixels() -> NDArray[np.uint8]:
            screen.picture(file)
            return np.asarray(Image.open(file).convert("RGB"))

        def state_line() -> NDArray[np.uint8]:
            bottom = top + height - 8
            return pixels()[bottom - 24 : bottom, left + 16 : left + 260]

        wait_for(lambda: contrast(state_line()) >= 4.5, "a state line that can be read")
        before = pixels()
        screen.keys("mousemove", "5", "5", "key", "Down")
        focus(screen, "coffee")

        def frame() -> float:
            """The contrast of what the selection has changed to what was there."""
            after = pixels()[top + 60 : top + height, left : left + width]
            was = before[top + 60 : top + height, left : left + width]
            changed = np.any(after != was, axis=-1)
            if not changed.any():
                return 1.0
            new, old = luminance(after[changed]), luminance(was[changed])
            ratios = (np.maximum(new, old) + 0.05) / (np.minimum(new, old) + 0.05)
            return float(np.quantile(ratios, 0.9))

        wait_for(lambda: frame() >= 3, "a selected picture that can be seen")
