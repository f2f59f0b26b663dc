"""Writes ONNX files, whose weights are copied from the files that they are in without loading
them."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

from numpy.typing import NDArray

from csearchd.models.conversion import schema
from csearchd.models.conversion.files import (
    OnnxFile,
    Place,
    forget_place,
    is_external,
    set_place,
)

MAX_MESSAGE = (1 << 31) - 1  # bytes: the limit of protobuf
_ALIGNMENT = 4096  # of tensors in a file of their own, so that they can be mapped
_CHUNK = 16 << 20


def write_onnx(source: OnnxFile, path: str) -> None:
    """Writes the graph `source` to `path`, with its external data inside.

    A graph of 2 GB and more, which no message can hold, gets a file for its external data beside
    it, named like it with `.data` at the end. Raises OSError, or ModelError if the data can't be
    read.
    """
    outer = schema.ModelProto()
    outer.CopyFrom(source.model)
    large = [tensor for tensor in outer.graph.initializer if is_external(tensor)]
    small = [tensor for tensor in outer.graph.initializer if not is_external(tensor)]
    numbers = [source.array(tensor) for tensor in large]
    del outer.graph.initializer[:]
    for tensor in large:
        forget_place(tensor)
    total = outer.ByteSize() + sum(map(_length, numbers))
    total += sum(tensor.ByteSize() + 32 for tensor in (*large, *small))  # 32: tags and lengths
    with open(path, "wb") as file:
        if total > MAX_MESSAGE:
            with open(f"{path}.data", "wb") as data:
                for tensor, array in zip(large, numbers, strict=True):
                    _write_aside(tensor, array, data)
            _write_message(file, outer, [*small, *large], [])
        else:
            _write_message(file, outer, small, list(zip(large, numbers, strict=True)))


def write_beside(source: OnnxFile, path: str) -> None:
    """Writes the graph `source` to `path`, beside the file that it was read from, whose weights it
    refers to. Raises OSError."""
    with open(path, "wb") as file:
        file.write(source.model.SerializeToString())


def _write_message(
    file: BinaryIO, outer: Any, small: list[Any], large: list[tuple[Any, NDArray[Any]]]
) -> None:
    """Writes `outer`, whose graph has no tensors, with the tensors `small`, and `large` ones with
    their numbers."""
    graph = outer.graph.SerializeToString()
    outer.ClearField("graph")
    prefixes = []
    for tensor, array in large:
        described = tensor.SerializeToString()
        described += _head(schema.TENSOR_RAW_DATA, _length(array))
        size = len(described) + _length(array)
        prefixes.append(_head(schema.GRAPH_INITIALIZER, size) + described)
    heads = [_head(schema.GRAPH_INITIALIZER, tensor.ByteSize()) for tensor in small]
    size = len(graph) + sum(map(len, prefixes)) + sum(map(len, heads))
    size += sum(tensor.ByteSize() for tensor in small)
    size += sum(_length(array) for _, array in large)
    file.write(outer.SerializeToString())
    file.write(_head(schema.MODEL_GRAPH, size))
    file.write(graph)
    for head, tensor in zip(heads, small, strict=True):
        file.write(head)
        file.write(tensor.SerializeToString())
    for prefix, (_, array) in zip(prefixes, large, strict=True):
        file.write(prefix)
        _write_numbers(file, array)


def _write_aside(tensor: Any, array: NDArray[Any], data: BinaryIO) -> None:
    data.seek(-data.tell() % _ALIGNMENT, os.SEEK_CUR)
    place = Place(os.path.basename(str(data.name)), data.tell(), _length(array))
    _write_numbers(data, array)
    set_place(tensor, place)


def _write_numbers(file: BinaryIO, array: NDArray[Any]) -> None:
    flat = array.reshape(-1)
    step = max(1, _CHUNK // array.itemsize)
    for start in range(0, len(flat), step):
        file.write(flat[start : start + step].tobytes())


def _head(number: int, length: int) -> bytes:
    """The tag of the field `number` and the length of its content."""
    return encoded(number << 3 | 2) + encoded(length)


def encoded(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _length(array: NDArray[Any]) -> int:
    return int(array.nbytes)
