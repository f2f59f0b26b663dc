"""open_clip's table of published weights, and how their pictures are prepared. Needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import open_clip
from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME

from csearchd.errors import ModelError

WEIGHTS_NAMES = (HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME)
"""What open_clip calls the file of weights in a repository of the Hub, the preferred one first."""

_KEYS = ("mean", "std", "interpolation", "resize_mode")  # of a preprocessing


def published_weights(arch: str, weights: str) -> Mapping[str, Any]:
    """open_clip's entry for the weights tagged `weights`. Raises ModelError, naming those that
    there are, if it has none."""
    entry: Mapping[str, Any] = open_clip.get_pretrained_cfg(arch, weights)
    if not entry:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(arch)) or "none"
        raise ModelError(f"open_clip has no weights {weights!r} for {arch}; it has: {tags}")
    return entry


def preprocessing(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The `preprocess_cfg` of one entry of open_clip's table."""
    return {key: entry[key] for key in _KEYS}


def usual_preprocessing(arch: str) -> dict[str, Any]:
    """The `preprocess_cfg` of all published weights of `arch` where they agree (a few
    architectures have their own means), else open_clip's default."""
    tags = open_clip.list_pretrained_tags_by_model(arch)
    found = [preprocessing(open_clip.get_pretrained_cfg(arch, tag)) for tag in tags]
    if found and all(entry == found[0] for entry in found):
        return found[0]
    default = open_clip.transform.PreprocessCfg()
    return {key: getattr(default, key) for key in _KEYS}
