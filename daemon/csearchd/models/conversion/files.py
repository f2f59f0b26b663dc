"""Reads ONNX files without loading their weights.

A graph in memory is a `ModelProto` whose large tensors are external data, as ONNX calls what lies
outside the message: those of other files, and those of the graph's own file too, which are found by
its wire format (https://protobuf.dev/programming-guides/encoding). So a tower of several gigabytes
costs its structure alone, and its tensors are mapped when they are looked at.
"""

from __future__ import annotations

import math
import mmap
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from csearch.protocol.system_errors import in_words
from csearchd.errors import MalformedError, ModelError
from csearchd.models.conversion import schema

INLINE = 4096  # bytes of the largest tensor that is kept in memory
_MAX_STRUCTURE = 64 << 20  # bytes of a file without its large tensors
_MAX_PARTS = 200_000  # nodes, tensors and descriptions
_TYPES: Mapping[int, np.dtype[Any]] = {
    schema.FLOAT: np.dtype("<f4"),
    schema.UINT8: np.dtype("u1"),
    schema.INT8: np.dtype("i1"),
    schema.INT32: np.dtype("<i4"),
    schema.INT64: np.dtype("<i8"),
    schema.FLOAT16: np.dtype("<f2"),
    schema.BFLOAT16: np.dtype("<u2"),  # its bits: numpy has no such type
    schema.BOOL: np.dtype("?"),
    schema.DOUBLE: np.dtype("<f8"),
}
NUMBERS = {kind: number for number, kind in _TYPES.items() if number != schema.BFLOAT16}
"""The number that ONNX gives to each type of numpy's."""


@dataclass(frozen=True)
class OnnxFile:
    """A graph that was read, and the directory that its external data lie in."""

    path: str
    model: Any  # schema.ModelProto

    def array(self, tensor: Any) -> NDArray[Any]:
        """The numbers of a `TensorProto` of this graph, mapped if they are external data. Raises
        ModelError if they can't be read."""
        try:
            return _array(tensor, os.path.dirname(self.path))
        except (MalformedError, UnicodeDecodeError) as error:
            raise _damaged(self.path, error) from None

    def sources(self) -> list[str]:
        """The paths of all files that the graph is made of. Raises ModelError."""
        try:
            tensors = self.model.graph.initializer
            places = [_place(tensor) for tensor in tensors if is_external(tensor)]
        except (MalformedError, UnicodeDecodeError) as error:
            raise _damaged(self.path, error) from None
        names = {place.location for place in places} | {os.path.basename(self.path)}
        return [os.path.join(os.path.dirname(self.path), name) for name in sorted(names)]


@dataclass(frozen=True)
class Place:
    """Where the numbers of an external tensor are."""

    location: str  # relative to the graph's directory
    offset: int
    length: int | None


def read_onnx(path: str) -> OnnxFile:
    """Reads the structure of the ONNX file at `path`. Raises ModelError if it can't be read or is
    damaged, refers to files outside its directory, or has a name that ONNX can't refer to."""
    if not _is_utf8(os.path.basename(path)):
        raise ModelError(f"{path} can't be used: its name isn't UTF-8; rename it")
    try:
        with _opened(path) as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise MalformedError("it is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                model = _model(content, os.path.basename(path))
        found = OnnxFile(path, model)
        _check(found)
    except OSError as error:
        raise ModelError(f"{path} can't be read: {in_words(error)}") from None
    except (MalformedError, DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from None
    return found


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # lone surrogates stand for other bytes (PEP 383)
        return False
    return True


def is_external(tensor: Any) -> bool:
    return bool(tensor.data_location == schema.EXTERNAL)


def set_array(tensor: Any, values: NDArray[Any]) -> None:
    """Makes `values` the numbers of `tensor`, whose name stays. Raises KeyError for a type that
    csearch doesn't write."""
    name = tensor.name
    tensor.Clear()
    tensor.name = name
    tensor.dims.extend(values.shape)
    tensor.data_type = NUMBERS[values.dtype.newbyteorder("<")]
    tensor.raw_data = np.ascontiguousarray(values).tobytes()


# Reading


def _opened(path: str) -> BinaryIO:
    """The file at `path`. Raises OSError, or MalformedError for anything but a regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe would block
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise MalformedError(f"{os.path.basename(path)} is no file")
    return open(descriptor, "rb")


def _model(content: mmap.mmap, name: str) -> Any:
    """The message in `content`; its large tensors refer to the file `name`."""
    outer, inner, tensors = bytearray(), bytearray(), []
    kept = parts = 0
    for field in _fields(content, 0, len(content)):
        if field.number != schema.MODEL_GRAPH:
            outer += _kept(content, field.start, field.end, kept)
            kept += field.end - field.start
            continue
        for part in _fields(content, field.content, field.end):
            parts += 1
            if parts > _MAX_PARTS:
                raise MalformedError(f"it has more than {_MAX_PARTS} parts")
            if part.number != schema.GRAPH_INITIALIZER or part.end - part.start <= INLINE:
                inner += _kept(content, part.start, part.end, kept)
                kept += part.end - part.start
            else:
                tensor = _tensor(content, part, name, kept)
                kept += tensor.ByteSize()
                tensors.append(tensor)
    model = schema.ModelProto.FromString(bytes(outer))
    model.graph.MergeFromString(bytes(inner))
    model.graph.initializer.extend(tensors)
    return model


def _tensor(content: mmap.mmap, part: _Field, name: str, kept: int) -> Any:
    """The tensor in one field; if its raw data are large they become external data."""
    described, place = bytearray(), None
    for field in _fields(content, part.content, part.end):
        size = field.end - field.content
        if field.number == schema.TENSOR_RAW_DATA and size > INLINE:
            place = Place(name, field.content, size)
        else:
            described += _kept(content, field.start, field.end, kept + len(described))
    tensor = schema.TensorProto.FromString(bytes(described))
    if place is not None:
        if is_external(tensor) or tensor.raw_data:
            raise MalformedError("a tensor has its numbers in two places")
        set_place(tensor, place)
    return tensor


@dataclass(frozen=True)
class _Field:
    """One field of a message: where it starts, where its content does, and where it ends."""

    number: int
    start: int
    content: int
    end: int


def _fields(content: mmap.mmap, start: int, end: int) -> Iterator[_Field]:
    """The fields of the message between `start` and `end`. Raises MalformedError."""
    while start < end:
        tag, position = _varint(content, start, end)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise MalformedError("it is damaged (a field has no number); download it again")
        if wire == 0:
            _, stop = _varint(content, position, end)
        elif wire == 1:
            stop = position + 8
        elif wire == 2:
            length, position = _varint(content, position, end)
            stop = position + length
        elif wire == 5:
            stop = position + 4
        else:
            raise MalformedError("it is damaged (a field has no known type); download it again")
        if stop > end:
            raise MalformedError("it is cut off; download it again")
        # Whatever has this number, its content is a message only if it has a length.
        yield _Field(number if wire == 2 else 0, start, position, stop)
        start = stop


def _varint(content: mmap.mmap, start: int, end: int) -> tuple[int, int]:
    """The number at `start`, and where it ends."""
    value = 0
    for position in range(start, min(start + 10, end)):
        byte = content[position]
        value |= (byte & 0x7F) << 7 * (position - start)
        if byte < 0x80:
            return value, position + 1
    raise MalformedError("it is cut off; download it again")


def _kept(content: mmap.mmap, start: int, end: int, before: int) -> bytes:
    if before + end - start > _MAX_STRUCTURE:
        raise MalformedError(f"it has more than {_MAX_STRUCTURE >> 20} MB without its weights")
    return content[start:end]


# Tensors


def _array(tensor: Any, directory: str) -> NDArray[Any]:
    kind = _TYPES.get(tensor.data_type)
    if kind is None:
        raise MalformedError(f"{tensor.name} has numbers of the unknown type {tensor.data_type}")
    shape = tuple(tensor.dims)
    if any(size < 0 for size in shape):
        raise MalformedError(f"{tensor.name} has a negative size")
    count = math.prod(shape)
    if is_external(tensor):
        return _mapped(tensor, directory, kind, shape)
    if tensor.HasField("raw_data"):
        if len(tensor.raw_data) != count * kind.itemsize:
            raise MalformedError(f"{tensor.name} has not as many numbers as its shape says")
        return np.frombuffer(tensor.raw_data, kind).reshape(shape)
    if kind == np.dtype("<f4"):
        listed = np.array(tensor.float_data, kind)
    elif kind == np.dtype("<i8"):
        listed = np.array(tensor.int64_data, kind)
    elif kind == np.dtype("<f8"):
        listed = np.array(tensor.double_data, kind)
    else:
        listed = np.array(tensor.int32_data, "<i4")
        # Half floats are listed as the integers that have the same bits.
        listed = listed.astype("<u2").view(kind) if kind == np.dtype("<f2") else listed.astype(kind)
    if len(listed) != count:
        raise MalformedError(f"{tensor.name} has not as many numbers as its shape says")
    return listed.reshape(shape)


def _mapped(
    tensor: Any, directory: str, kind: np.dtype[Any], shape: tuple[int, ...]
) -> NDArray[Any]:
    place, size = _place(tensor), math.prod(shape) * kind.itemsize
    if place.length not in (None, size):
        raise MalformedError(f"{tensor.name} has not as many numbers as its shape says")
    path = os.path.join(directory, place.location)
    try:
        with _opened(path) as file:
            if place.offset + size > os.fstat(file.fileno()).st_size:
                raise MalformedError(
                    f"{tensor.name} is not in {place.location}, which is too short"
                )
            if size == 0:
                return np.empty(shape, kind)
            return np.memmap(file, kind, "r", place.offset, shape)
    except OSError as error:
        raise MalformedError(f"{place.location}, which it refers to: {in_words(error)}") from None


def _place(tensor: Any) -> Place:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    parts = location.split("/")
    if not location or location.startswith("/") or ".." in parts or "\0" in location:
        raise MalformedError(f"it refers to {location!r}, which is not in its directory")
    try:
        offset = int(entries.get("offset", "0"))
        length = int(entries["length"]) if "length" in entries else None
    except ValueError:
        raise MalformedError(f"it doesn't say where the numbers of {tensor.name} are") from None
    if offset < 0:
        raise MalformedError(f"it doesn't say where the numbers of {tensor.name} are")
    return Place(location, offset, length)


def set_place(tensor: Any, place: Place) -> None:
    forget_place(tensor)
    tensor.data_location = schema.EXTERNAL
    for key, value in (
        ("location", place.location),
        ("offset", str(place.offset)),
        ("length", str(place.length)),
    ):
        tensor.external_data.add(key=key, value=value)


def forget_place(tensor: Any) -> None:
    tensor.ClearField("data_location")
    del tensor.external_data[:]


def _check(file: OnnxFile) -> None:
    """Raises what is wrong with a graph that protobuf could parse: ModelError, or
    UnicodeDecodeError."""
    graph = file.model.graph
    if not graph.node or not graph.output:
        raise MalformedError("it holds no model (it has no graph)")
    for tensor in graph.initializer:
        if is_external(tensor):
            file.array(tensor)
    for node in graph.node:  # protobuf decodes a name only when it is looked at
        _ = node.op_type, node.domain, node.name, list(node.input), list(node.output)
        for attribute in node.attribute:
            _ = attribute.name
    for item in (*graph.input, *graph.output, *graph.initializer):
        _ = item.name
    for entry in file.model.opset_import:
        _ = entry.domain


def _damaged(path: str, error: Exception) -> ModelError:
    details = (
        str(error) if isinstance(error, MalformedError) else "it is damaged; download it again"
    )
    return ModelError(f"{path} can't be used as an ONNX file: {details}")
