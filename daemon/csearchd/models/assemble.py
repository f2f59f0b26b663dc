"""Puts a model's directory together out of sight, and moves it into place when it is whole."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from csearchd.errors import ModelError
from csearchd.models import installed


@contextlib.contextmanager
def staged(models_dir: str, name: str) -> Iterator[str]:
    """An empty directory to fill, which becomes the model `name` in the end.

    On an exception nothing of it stays. What a killed installation left is cleared away; one that
    still runs is left alone. Raises ModelError then, or if the model exists; OSError.
    """
    target = os.path.join(models_dir, name)
    staging = os.path.join(models_dir, f".{name}.part")
    if os.path.lexists(target):
        raise ModelError(
            f"a model {name!r} is already in {models_dir}; to replace it,"
            f" `csearchctl model remove {name}` first"
        )
    os.makedirs(staging, exist_ok=True)
    lock = os.open(staging, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModelError(f"{name!r} is being installed by another process") from None
        try:
            _clear(staging)
            yield staging
            _sync(staging)
            os.rename(staging, target)
            _sync_directory(models_dir)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
    finally:
        os.close(lock)


def write_configuration(
    directory: str, configuration: Mapping[str, Any], preprocessing: Mapping[str, Any]
) -> None:
    """Writes what open_clip's `local-dir:` reads: architecture, and how pictures are prepared."""
    content = {"model_cfg": configuration, "preprocess_cfg": preprocessing}
    with open(os.path.join(directory, installed.CONFIG), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)


def place_weights(source: str, directory: str, *, link: bool) -> None:
    """Puts the checkpoint `source` into `directory` as safetensors, numbers as they are.

    A safetensors file is linked with `link`, where possible, else copied. Other checkpoints are
    read as weights only, never as a program. Raises ModelError if they can't be; OSError.
    """
    target = os.path.join(directory, installed.WEIGHTS)
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
    import torch
    from open_clip.factory import load_state_dict
    from safetensors.torch import save_file

    try:
        tensors = load_state_dict(source, weights_only=True)
        whole = {name: tensor.clone().contiguous() for name, tensor in tensors.items()}
    except OSError:
        raise
    except Exception:  # whatever bytes that are no checkpoint provoke
        raise ModelError(
            f"{source} is no checkpoint that can be read as weights only: neither safetensors"
            " nor a PyTorch file with a state dict"
        ) from None
    if not all(isinstance(tensor, torch.Tensor) for tensor in whole.values()):
        raise ModelError(f"{source} holds no state dict of tensors")
    save_file(whole, target)


def _clear(directory: str) -> None:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def _sync(directory: str) -> None:
    """Makes the directory's files durable, and readable as the user's umask says."""
    umask = os.umask(0)
    os.umask(umask)
    with os.scandir(directory) as entries:
        for entry in entries:
            descriptor = os.open(entry.path, os.O_RDONLY)
            try:
                os.fchmod(descriptor, 0o666 & ~umask)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    _sync_directory(directory)


def _sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
