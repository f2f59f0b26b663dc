"""Towers exported to ONNX as other projects publish them."""

from __future__ import annotations

import json
import os
import warnings
from typing import Any

import torch

OPSETS = {False: 17, True: 18}  # of the exporters: TorchScript's, and dynamo's


class _Tower(torch.nn.Module):  # type: ignore[misc]
    """One of the methods by which open_clip's models encode, as a module. Its parameters must not
    be copied: two towers are exported of one model."""

    def __init__(self, clip: Any, method: str) -> None:
        super().__init__()
        self.clip = clip
        self.method = method

    def forward(self, taken: torch.Tensor) -> torch.Tensor:
        return getattr(self.clip, self.method)(taken, normalize=True)


def publish_pair(
    clip: Any,
    visual: str,
    textual: str,
    *,
    names: tuple[str, str, str] = ("input", "input", "output"),
    dynamo: bool = False,
) -> None:
    """Exports the towers of `clip` to the files `visual` and `textual`. `names`: of the towers'
    inputs, and of their outputs."""
    clip = clip.eval()
    kind = next(clip.parameters()).dtype
    size = clip.visual.image_size
    height, width = (size, size) if isinstance(size, int) else size
    taken = {
        "encode_image": torch.randn(1, 3, height, width, dtype=kind),
        "encode_text": torch.ones(1, clip.context_length, dtype=torch.int32),
    }
    places = zip(taken.items(), (visual, textual), names[:2], strict=True)
    for (method, example), path, name in places:
        options: dict[str, Any] = {"dynamo": dynamo, "external_data": False}
        if not dynamo:  # its graphs take several pictures at a time
            options["dynamic_axes"] = {name: {0: "batch_size"}}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Tower(clip, method).eval(),  # else the model is trained on afterwards
                (example,),
                path,
                input_names=[name],
                output_names=[names[2]],
                opset_version=OPSETS[dynamo],
                verbose=False,
                **options,
            )


def publish_directory(
    clip: Any, configuration: dict[str, Any], preprocessing: dict[str, Any], directory: str
) -> None:
    """Makes `directory` one of immich-app's form, without the tokenizer's files."""
    for name in ("visual", "textual"):
        os.makedirs(os.path.join(directory, name))
    visual, textual = (
        os.path.join(directory, name, "model.onnx") for name in ("visual", "textual")
    )
    publish_pair(clip, visual, textual, names=("image", "text", "result"))
    for name, content in (
        ("config.json", configuration),
        (os.path.join("visual", "preprocess_cfg.json"), preprocessing),
    ):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            json.dump(content, file)
