"""CIFAR-100: 60,000 pictures of 32×32 pixels in 100 classes (Krizhevsky 2009)."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from datasets import Classified, Missing, first_of, text_of, words

SOURCE = "https://www.cs.toronto.edu/~kriz/cifar.html (cifar-100-python.tar.gz, unpacked)"
LAYOUT = (
    "cifar-100-python/{train,test,meta}, or cifar-100-binary/{train.bin,test.bin,"
    "fine_label_names.txt}"
)
SPLIT = "test"  # or train

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE  # bytes: all red, then all green, then all blue ones, by rows
_RECORD = 2 + _PIXELS  # of the binary version: coarse label, fine label, pixels


def read(directory: Path, split: str, scratch: Path) -> Classified:
    """The pictures are written into `scratch` as PNG files, for the service to read."""
    inside = [directory, directory / "cifar-100-python", directory / "cifar-100-binary"]
    if split not in ("train", "test"):
        raise Missing(f"cifar100 has no split {split!r}: train or test")
    if found := first_of(inside, (split,)):
        pixels, own, names = _python_version(found, split)
    elif found := first_of(inside, (f"{split}.bin",)):
        pixels, own, names = _binary_version(found, split)
    else:
        raise Missing(f"{directory} has no {LAYOUT}")
    if len(pixels) != len(own) or not all(0 <= number < len(names) for number in own):
        raise Missing(f"{found}: the labels don't fit the pictures or the names of the classes")
    paths = []
    for number, planes in enumerate(pixels.reshape(-1, 3, _SIDE, _SIDE)):
        paths.append(scratch / f"{number:05}.png")
        Image.fromarray(np.ascontiguousarray(planes.transpose(1, 2, 0))).save(paths[-1])
    return Classified(paths, own, [words(name) for name in names])


def _binary_version(directory: Path, split: str) -> tuple[NDArray[np.uint8], list[int], list[str]]:
    path = directory / f"{split}.bin"
    records = np.fromfile(path, np.uint8)
    if len(records) % _RECORD:
        raise Missing(f"{path} isn't made of records of {_RECORD} bytes")
    records = records.reshape(-1, _RECORD)
    names = text_of(directory / "fine_label_names.txt").split()
    return records[:, 2:], records[:, 1].tolist(), names


def _python_version(directory: Path, split: str) -> tuple[NDArray[np.uint8], list[int], list[str]]:
    batch, meta = _unpickled(directory / split), _unpickled(directory / "meta")
    try:
        own = [int(number) for number in batch["fine_labels"]]
        names = [str(name) for name in meta["fine_label_names"]]
        pixels = batch["data"].pixels()
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Missing(f"{directory / split} isn't a batch of CIFAR-100") from None
    return pixels, own, names


class _Array:
    """What numpy's arrays are pickled as. No code of numpy's, which trusts its input, reads it."""

    def __init__(self, *_: object) -> None:
        self._data: object = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Version, shape, type, order, data (numpy.ndarray.__reduce__)."""
        self._data = state[4]

    def pixels(self) -> NDArray[np.uint8]:
        """uint8 (n, 3072). Raises ValueError."""
        data = self._data.encode("latin-1") if isinstance(self._data, str) else self._data
        if not isinstance(data, bytes) or len(data) % _PIXELS:
            raise ValueError("no pixels")
        return np.frombuffer(data, np.uint8).reshape(-1, _PIXELS)


class _Type:
    """A numpy.dtype; bytes are the only one that there is here."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


_KNOWN = {
    ("multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
}


class _Unpickler(pickle.Unpickler):
    """Makes plain values and the pixels, and calls nothing else, whatever the file says."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):  # bytes, as Python 3 writes them for Python 2
            return lambda text, encoding: text.encode("latin-1")
        short = module.rpartition(".")[2] if module.startswith("numpy.") else module
        if (short, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return _KNOWN[short, name]


def _unpickled(path: Path) -> dict[str, Any]:
    """Raises Missing."""
    try:
        value = _Unpickler(io.BytesIO(path.read_bytes()), encoding="latin-1").load()
    except OSError as error:
        raise Missing(f"{path} can't be read: {error.strerror}") from None
    except Exception as error:  # a damaged or hostile pickle raises anything
        raise Missing(f"{path} isn't a file of CIFAR-100: {error}") from None
    if not isinstance(value, dict):
        raise Missing(f"{path} isn't a file of CIFAR-100")
    return {_text(key): item for key, item in value.items()}


def _text(key: object) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else str(key)
