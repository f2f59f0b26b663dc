"""ONNX files are read and written without the onnx package as that package does it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from csearchd.errors import ModelError
from csearchd.models.conversion import schema, writing
from csearchd.models.conversion.files import read_onnx
from csearchd.models.conversion.graph import Graph
from csearchd.models.conversion.writing import write_onnx

RANDOM = np.random.default_rng(0)
LARGE = RANDOM.normal(size=(64, 48)).astype(np.float32)


def small_model() -> onnx.ModelProto:
    """A graph with tensors of every form, a subgraph, and what csearch doesn't know."""
    half = numpy_helper.from_array(LARGE[:, :8].astype(np.float16), "half")
    listed = helper.make_tensor("listed", TensorProto.FLOAT, [2], [1.5, -2.0])
    halves = helper.make_tensor("halves", TensorProto.FLOAT16, [2], [0.5, -1.25])
    branch = helper.make_graph(
        [helper.make_node("Identity", ["product"], ["branch"])],
        "branch",
        [],
        [helper.make_tensor_value_info("branch", TensorProto.FLOAT, None)],
    )
    nodes = [
        helper.make_node("MatMul", ["taken", "large"], ["product"], doc_string="a remark"),
        helper.make_node("If", ["yes"], ["given"], then_branch=branch, else_branch=branch),
        helper.make_node("Constant", [], ["constant"], value=listed),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("taken", TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("given", TensorProto.FLOAT, ["n", 48])],
        [
            numpy_helper.from_array(LARGE, "large"),
            half,
            listed,
            halves,
            numpy_helper.from_array(np.array(True), "yes"),
            numpy_helper.from_array(np.arange(3), "integers"),
        ],
    )
    graph.quantization_annotation.add(tensor_name="product")
    imports = [helper.make_opsetid("", 17)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=imports, ir_version=8)
    return model


@pytest.fixture
def path(tmp_path: Path) -> str:
    target = str(tmp_path / "model.onnx")
    onnx.save(small_model(), target)
    return target


def sorted_tensors(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its tensors by name, and without a mark of where they were."""
    tensors = sorted(model.graph.initializer, key=lambda tensor: tensor.name)
    for tensor in tensors:
        tensor.ClearField("data_location")
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)
    return model


@pytest.mark.parametrize("message", schema.MESSAGES)
def test_the_schema_is_that_of_onnx(message: str) -> None:
    own = {"Dimension": onnx.TensorShapeProto.Dimension, "TensorType": onnx.TypeProto.Tensor}
    expected = own.get(message) or getattr(onnx, message)
    for name, field in schema.CLASSES[message].DESCRIPTOR.fields_by_name.items():
        other = expected.DESCRIPTOR.fields_by_name[name]
        assert field.number == other.number
        assert field.is_repeated == other.is_repeated
        assert field.is_packed == other.is_packed
        same_type = field.type == other.type
        assert same_type or (field.type == field.TYPE_INT32 and other.type == field.TYPE_ENUM)


def test_what_is_read_is_what_onnx_reads(path: str) -> None:
    found = read_onnx(path)
    expected = {tensor.name: tensor for tensor in onnx.load(path).graph.initializer}
    assert len(found.model.graph.initializer) == len(expected)
    for tensor in found.model.graph.initializer:
        values = found.array(tensor)
        other = numpy_helper.to_array(expected[tensor.name])
        assert values.dtype == other.dtype
        assert np.array_equal(values, other)
    large = next(t for t in found.model.graph.initializer if t.name == "large")
    assert not large.raw_data  # it stays in the file
    assert isinstance(found.array(large), np.memmap)


def test_what_is_written_is_what_was_read(path: str, tmp_path: Path) -> None:
    target = str(tmp_path / "copy.onnx")
    write_onnx(read_onnx(path), target)
    onnx.checker.check_model(target, full_check=True)
    assert sorted_tensors(onnx.load(target)) == sorted_tensors(onnx.load(path))


def test_weights_in_other_files_come_along(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "apart")
    source, target = str(tmp_path / "apart" / "model.onnx"), str(tmp_path / "whole.onnx")
    onnx.save(
        small_model(), source, save_as_external_data=True, all_tensors_to_one_file=False,
        size_threshold=100,
    )  # fmt: skip
    assert len(os.listdir(tmp_path / "apart")) == 3
    found = read_onnx(source)
    assert sorted(map(os.path.basename, found.sources())) == sorted(os.listdir(tmp_path / "apart"))
    write_onnx(found, target)
    assert sorted_tensors(onnx.load(target)) == sorted_tensors(small_model())


def test_a_graph_too_large_for_one_file_gets_two(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MAX_MESSAGE", 10_000)
    target = str(tmp_path / "large.onnx")
    write_onnx(read_onnx(path), target)
    assert os.path.getsize(target) < 10_000
    onnx.checker.check_model(target, full_check=True)
    assert sorted_tensors(onnx.load(target)) == sorted_tensors(onnx.load(path))


def test_an_edited_graph_keeps_only_what_it_uses(path: str, tmp_path: Path) -> None:
    target = str(tmp_path / "edited.onnx")
    graph = Graph(read_onnx(path))
    graph.free_names(["product"])
    write_onnx(graph.finished(), target)
    onnx.checker.check_model(target, full_check=True)
    edited = onnx.load(target)
    assert {tensor.name for tensor in edited.graph.initializer} == {"large", "yes"}
    assert [node.op_type for node in edited.graph.node] == ["MatMul", "If"]
    renamed = edited.graph.node[0].output[0]
    assert renamed != "product"
    assert edited.graph.node[1].attribute[0].g.node[0].input[0] == renamed  # in subgraphs, too
    assert not edited.graph.node[0].doc_string


def test_large_weights_take_no_memory(tmp_path: Path) -> None:
    path, target, size = str(tmp_path / "model.onnx"), str(tmp_path / "copy.onnx"), 256 << 20
    model = small_model()
    large = external(location="weights")
    large.dims[:] = [size // 4]
    model.graph.initializer.append(large)
    with open(path, "wb") as file:
        file.write(model.SerializeToString())
    (tmp_path / "weights").touch()
    os.truncate(tmp_path / "weights", size)
    program = (
        "import resource\n"
        "from csearchd.models.conversion.files import read_onnx\n"
        "from csearchd.models.conversion.writing import write_onnx\n"
        f"resource.setrlimit(resource.RLIMIT_DATA, ({size * 3 // 4}, -1))\n"
        f"write_onnx(read_onnx({path!r}), {target!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert os.path.getsize(target) > size


def usable(path: str) -> bool:
    """Whether the file at `path` is read to its end; fails if it isn't refused in one line."""
    try:
        found = read_onnx(path)
        graph = Graph(found)
        for name in graph.constants:
            graph.constant(name)
        write_onnx(graph.finished(), f"{path}.copy")
    except ModelError as error:
        assert path in str(error)
        assert "\n" not in str(error)
        return False
    return True


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_damaged_file_is_refused_in_one_line_or_read(path: str, data: st.DataObject) -> None:
    content = bytearray(small_model().SerializeToString())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    with open(path, "wb") as file:
        file.write(content[: data.draw(st.integers(0, len(content)))])
    usable(path)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_graph(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
    assert not usable(path)


def external(**entries: str) -> TensorProto:
    tensor = TensorProto(name="outside", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


@pytest.mark.parametrize(
    "entries",
    [
        {"location": "/etc/passwd"},
        {"location": "../secret"},
        {"location": "deep/../../secret"},
        {"location": ""},
        {"location": "\0"},
        {"location": "."},
        {"location": "missing"},
        {"location": "weights", "offset": "-1"},
        {"location": "weights", "offset": "x"},
        {"location": "weights", "offset": "9" * 30},
        {"location": "weights", "offset": "1"},
        {"location": "weights", "length": "15"},
        {"location": "weights", "length": "-16"},
        {"location": "fifo"},
        {"location": "x" * 5000},
    ],
)
def test_weights_that_are_not_there_are_refused(
    path: str, tmp_path: Path, entries: dict[str, str]
) -> None:
    (tmp_path / "weights").write_bytes(bytes(16))
    os.mkfifo(tmp_path / "fifo")
    model: Any = small_model()
    model.graph.initializer.append(external(**entries))
    with open(path, "wb") as file:
        file.write(model.SerializeToString())
    assert not usable(path)


@pytest.mark.parametrize(
    ("shape", "kind"), [([1 << 40], 1), ([-1], 1), ([1 << 62, 1 << 62], 1), ([4], 99), ([3], 1)]
)
def test_a_tensor_of_another_size_than_it_says(path: str, shape: list[int], kind: int) -> None:
    model = small_model()
    tensor = TensorProto(name="wrong", data_type=kind, raw_data=bytes(16))
    tensor.dims.extend(shape)
    model.graph.initializer.append(tensor)
    with open(path, "wb") as file:
        file.write(model.SerializeToString())
    assert not usable(path)


def test_a_file_full_of_empty_parts_is_refused(path: str) -> None:
    content = b"\x0a\x00" * 300_000  # nodes without anything
    with open(path, "wb") as file:
        file.write(b"\x3a" + writing.encoded(len(content)) + content)
    assert not usable(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", "/dev/zero"):
        assert not usable(str(path))
