"""Which of open_clip's architectures are supported, according to their configuration files.

It reads the files of the open_clip package without importing it, which takes three seconds: an
unsupported architecture is refused at once, and before any download.
"""

from __future__ import annotations

import difflib
import importlib.util
import json
import os
from collections.abc import Mapping
from typing import Any

from csearchd.errors import ModelError
from csearchd.models.tokenization.clip import VOCABULARY_SIZE


def check_supported(arch: str) -> None:
    """Raises ModelError with the reason if open_clip has no architecture `arch`, or if its text
    tower doesn't use CLIP's tokenizer."""
    check_configuration(architecture_configuration(arch), arch)


def architecture_configuration(arch: str) -> dict[str, Any]:
    """open_clip's configuration of `arch`. Raises ModelError, naming similar ones, if there is
    none."""
    directory = _configurations_directory()
    names = [os.path.splitext(name)[0] for name in os.listdir(directory)]
    if arch not in names:
        similar = difflib.get_close_matches(arch, names, n=3, cutoff=0.4)
        hint = f"; similar ones: {', '.join(similar)}" if similar else ""
        raise ModelError(f"open_clip knows no architecture {arch!r}{hint}")
    with open(os.path.join(directory, f"{arch}.json"), encoding="utf-8") as file:
        configuration: dict[str, Any] = json.load(file)
    return configuration


def check_configuration(configuration: Mapping[str, Any], arch: str) -> None:
    """Like `check_supported`, for an architecture given by its configuration."""
    text = configuration.get("text_cfg")
    if not isinstance(text, Mapping) or "vision_cfg" not in configuration:
        raise ModelError(f"{arch} has no configuration of two towers")
    reason = None
    if text.get("hf_model_name"):
        reason = f"its text tower is {text['hf_model_name']}, not open_clip's own"
    elif text.get("hf_tokenizer_name") or "siglip" in arch.lower():
        reason = "it has a tokenizer of its own"
    elif "multimodal_cfg" in configuration or text.get("embed_cls"):
        reason = "it is a CoCa model"
    elif text.get("vocab_size", VOCABULARY_SIZE) != VOCABULARY_SIZE:
        reason = f"its vocabulary has {text['vocab_size']} tokens, not CLIP's {VOCABULARY_SIZE}"
    elif text.get("tokenizer_kwargs"):
        reason = "it changes the tokenizer's settings"
    elif text.get("pool_type", "argmax") != "argmax":
        reason = f"its text tower is read in another way ({text['pool_type']})"
    if reason:
        raise ModelError(
            f"{arch} is not supported: {reason}; csearch uses models with CLIP's own tokenizer"
        )


def _configurations_directory() -> str:
    package = importlib.util.find_spec("open_clip")
    if package is None or package.origin is None:
        raise ModelError("open_clip is not installed: `pip install open-clip-torch`")
    return os.path.join(os.path.dirname(package.origin), "model_configs")
