"""Where the recogniser's networks are, and its version. It imports none of what runs them."""

from __future__ import annotations

import os

RECOGNISER = "ppocr6-small-2"
"""The version of what is read: of the networks, and of the steps around them that change it."""

_DIRECTORY = os.path.join(os.path.dirname(__file__), "ppocr")
LOOK = os.path.join(_DIRECTORY, "look.onnx")
DETECTION = os.path.join(_DIRECTORY, "detection.onnx")
RECOGNITION = os.path.join(_DIRECTORY, "recognition.onnx")


def available() -> bool:
    """Whether words can be read here: a packager may leave the networks out."""
    return all(os.path.exists(path) for path in (LOOK, DETECTION, RECOGNITION))
