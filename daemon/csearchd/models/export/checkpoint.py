"""Puts a checkpoint into a model's directory as safetensors. Needs torch."""

from __future__ import annotations

import contextlib
import os
import shutil

import torch
from open_clip.factory import load_state_dict
from safetensors.torch import save_file

from csearchd.errors import ModelError
from csearchd.models.installed import WEIGHTS


def place_weights(source: str, directory: str, *, link: bool) -> None:
    """Puts the checkpoint file `source` into `directory` as safetensors, with unchanged numbers.

    A safetensors file is hard-linked if `link` and the file system can, else copied. Any other
    checkpoint is read as weights only, never as a program. Raises ModelError if it can't be read,
    or OSError.
    """
    target = os.path.join(directory, WEIGHTS)
    if not source.endswith(".safetensors"):
        _convert(source, target)
        return
    real = os.path.realpath(source)
    if link:
        with contextlib.suppress(OSError):  # another file system, or one without links
            os.link(real, target)
            return
    shutil.copyfile(real, target)


def _convert(source: str, target: str) -> None:
    """Writes the PyTorch checkpoint `source` to `target` as safetensors."""
    try:
        tensors = load_state_dict(source, weights_only=True)
        whole = {name: tensor.clone().contiguous() for name, tensor in tensors.items()}
    except OSError:
        raise
    except Exception:  # bytes that are no checkpoint make torch raise anything
        raise ModelError(
            f"{source} is not a checkpoint that can be read as weights only: neither safetensors"
            " nor a PyTorch file with a state dict"
        ) from None
    if not all(isinstance(tensor, torch.Tensor) for tensor in whole.values()):
        raise ModelError(f"{source} holds no state dict of tensors")
    save_file(whole, target)
