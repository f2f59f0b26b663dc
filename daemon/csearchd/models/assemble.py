"""Builds a model's directory in a hidden place, describes the model, and renames the directory when
it is complete."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csearchd.errors import ModelError
from csearchd.models import installed
from csearchd.models.installed import Model
from csearchd.models.tokenization.prepare import TokenizerSettings


@dataclass(frozen=True)
class TextConversion:
    """What became of a text tower."""

    dimensions: int
    causal: bool  # texts need no padding
    quantised: bool  # 8-bit weights
    cosine: float  # the least to the original tower, over all prompts


@contextlib.contextmanager
def staged(models_dir: str, name: str) -> Iterator[str]:
    """An empty directory to fill in the `with` block, which becomes the model `name` at its end.

    It is deleted if the block raises. What a killed installation has left is deleted first. A
    damaged model of that name is replaced. Raises ModelError if the model exists or another process
    is installing it, or OSError.
    """
    target = os.path.join(models_dir, name)
    staging = os.path.join(models_dir, f".{name}.part")
    if os.path.lexists(target) and not _is_damaged(target):
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
            raise ModelError(
                f"{name!r} is being installed by another process: wait until that ends"
            ) from None
        try:
            _clear(staging)
            yield staging
            _sync(staging)
            _put_in_place(staging, target)
            _sync_directory(models_dir)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
    finally:
        os.close(lock)


def write_configuration(
    directory: str, configuration: Mapping[str, Any], preprocessing: Mapping[str, Any]
) -> None:
    """Writes the file that open_clip's `local-dir:` form reads: `model_cfg`, the architecture, and
    `preprocess_cfg`, how pictures are prepared. Raises OSError."""
    content = {"model_cfg": configuration, "preprocess_cfg": preprocessing}
    with open(os.path.join(directory, installed.CONFIG), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)


def _is_damaged(directory: str) -> bool:
    """Whether there is a model in `directory` that can't be used; reads all of it."""
    if not os.path.lexists(os.path.join(directory, installed.DESCRIPTION)):
        return False
    try:
        installed.verify_checksums(installed.load_model(directory))
    except ModelError:
        return True
    return False


def _put_in_place(staging: str, target: str) -> None:
    """Renames `staging`, in the place of a damaged model if there is one."""
    if os.path.lexists(target):
        with tempfile.TemporaryDirectory(dir=os.path.dirname(staging), prefix=".old-") as old:
            os.rename(target, os.path.join(old, "model"))
            os.rename(staging, target)
    else:
        os.rename(staging, target)


def describe_model(
    directory: str,
    files: Iterable[str],
    *,
    name: str,
    arch: str,
    weights: str,
    licence: str,
    context_length: int,
    text: TextConversion,
    settings: TokenizerSettings,
    fingerprint: Callable[[Mapping[str, str]], str],
    image_fingerprint: str,
) -> Model:
    """The model whose `files` are in `directory`, once it is described there.

    `fingerprint` makes one of the files' checksums. Raises ModelError if a file can't be read,
    OSError.
    """
    sums = {file: installed.file_checksum(os.path.join(directory, file)) for file in files}
    model = Model(
        name=name,
        arch=arch,
        weights=weights,
        licence=licence,
        dimensions=text.dimensions,
        context_length=context_length,
        causal=text.causal,
        text_quantised=text.quantised,
        text_cosine=round(text.cosine, 6),
        fingerprint=fingerprint(sums),
        checksums=sums,
        directory=directory,
        tokenizer=settings.tokenizer,
        cleaning=settings.cleaning,
        pad_token=settings.pad_token,
        image_fingerprint=image_fingerprint,
    )
    installed.write_description(model)
    return model


def _clear(directory: str) -> None:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def _sync(directory: str) -> None:
    """Flushes the directory's files to the disk, and gives them the mode that the umask asks
    for."""
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
