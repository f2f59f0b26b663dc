"""Edits a graph: finds constants, adds and replaces nodes, and drops what is no longer needed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import ModelError
from csearchd.models.conversion import schema
from csearchd.models.conversion.files import OnnxFile, is_external, set_array

MICROSOFT = "com.microsoft"  # onnxruntime/docs/ContribOperators.md


class Graph:
    """A graph that is being edited. The nodes stay sorted: each after those whose results it
    takes."""

    def __init__(self, source: OnnxFile) -> None:
        """`source`: a file that was just read; `finished` changes it."""
        self._source = source
        graph = source.model.graph
        self.constants: dict[str, Any] = {tensor.name: tensor for tensor in graph.initializer}
        self.nodes: list[Any] = []
        self._numbers = itertools.count()
        self._metadata: dict[str, str] = {}
        same: dict[str, str] = {}  # names of constants that nodes give another name
        for node in graph.node:
            for place, name in enumerate(node.input):
                node.input[place] = same.get(name, name)
            value = _attribute(node, "value")
            if node.op_type == "Constant" and value is not None and value.HasField("t"):
                value.t.name = node.output[0]
                self.constants[node.output[0]] = value.t
            elif node.op_type == "Identity" and node.input[0] in self.constants:
                same[node.output[0]] = node.input[0]
            else:
                self.nodes.append(node)
        # Until version 4 of the format, constants are listed as inputs, too.
        self.inputs = [item for item in graph.input if item.name not in self.constants]
        self.outputs = list(graph.output)
        self._names = {name for node in self.nodes for name in (*node.input, *node.output)}
        self._names.update(self.constants, (item.name for item in self.inputs))
        self._names.update(node.name for node in self.nodes)

    @property
    def path(self) -> str:
        """The file that the graph was read from."""
        return self._source.path

    def opset(self) -> int:
        """The version of ONNX's own operators that the graph uses."""
        return max(
            (e.version for e in self._source.model.opset_import if e.domain in ("", "ai.onnx")),
            default=1,
        )

    def constant(self, name: str) -> NDArray[Any] | None:
        """The value of the constant `name`, mapped if it is large, or None if `name` is computed
        from the inputs. Raises ModelError."""
        tensor = self.constants.get(name)
        if tensor is None:
            return None
        found = self._source.array(tensor)
        if tensor.data_type == schema.BFLOAT16:  # the upper half of a float32
            return (found.astype(np.uint32) << 16).view(np.float32)
        return found

    def derived_constant(self, name: str) -> NDArray[Any] | None:
        """Like `constant`, and for what nodes make of one by transposing it or changing its
        type."""
        found = self.constant(name)
        if found is not None:
            return found
        maker = next((node for node in self.nodes if name in node.output), None)
        if maker is None or maker.op_type not in ("Transpose", "Cast", "Identity"):
            return None
        value = self.derived_constant(maker.input[0])
        if value is not None and maker.op_type == "Transpose":
            axes = _attribute(maker, "perm")
            return value.transpose(list(axes.ints) if axes is not None else None)
        return value

    def consumers(self) -> dict[str, list[Any]]:
        """The nodes that take each value; those of subgraphs count as the node that holds them."""
        found: dict[str, list[Any]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(taken_names(node)):
                found.setdefault(name, []).append(node)
        return found

    def fresh_name(self, stem: str) -> str:
        """A name that nothing has yet."""
        for number in self._numbers:
            name = f"{stem} {number}"
            if name not in self._names:
                self._names.add(name)
                return name
        raise AssertionError

    def free_names(self, names: Iterable[str]) -> None:
        """Gives other names to what is called one of `names`."""
        other = {name: self.fresh_name(name) for name in names if name in self._names}
        for old, new in other.items():
            if old in self.constants:
                self.constants[new] = self.constants.pop(old)
                self.constants[new].name = new
        for item in (*self.inputs, *self.outputs):
            item.name = other.get(item.name, item.name)
        _rename(self.nodes, other)
        self._names.difference_update(other)

    def add_constant(self, values: NDArray[Any]) -> str:
        """Adds a constant, and returns its name."""
        tensor = schema.TensorProto(name=self.fresh_name("constant"))
        set_array(tensor, values)
        self.constants[tensor.name] = tensor
        return str(tensor.name)

    def integers(self, *values: int) -> str:
        """Adds a constant: `values` as int64 (len(values),)."""
        return self.add_constant(np.array(values, np.int64))

    def new_node(
        self,
        operator: str,
        inputs: Sequence[str],
        output: str | None = None,
        *,
        domain: str = "",
        **attributes: int | float | list[int],
    ) -> Any:
        """A node, which the caller puts among `nodes`. Its result gets a name of its own if
        `output` is None."""
        name = output or self.fresh_name(operator)
        node = schema.NodeProto(op_type=operator, domain=domain, name=self.fresh_name("node"))
        node.input.extend(inputs)
        node.output.append(name)
        for key, value in attributes.items():
            attribute = node.attribute.add(name=key)
            if isinstance(value, float):
                attribute.f, attribute.type = value, schema.ATTRIBUTE_FLOAT
            elif isinstance(value, int):
                attribute.i, attribute.type = value, schema.ATTRIBUTE_INT
            else:
                attribute.ints.extend(value)
                attribute.type = schema.ATTRIBUTE_INTS
        return node

    def add_metadata(self, key: str, value: str) -> None:
        """Adds an entry to what the file says of itself."""
        self._metadata[key] = value

    def finished(self) -> OnnxFile:
        """The file with the edited graph, without nodes and constants that nothing uses, and
        without remarks of the exporter, which are large."""
        used = {item.name for item in self.outputs}
        kept = []
        for node in reversed(self.nodes):
            if used.intersection(node.output):
                used.update(taken_names(node))
                kept.append(node)
        model = self._source.model
        nodes = [_copied(node) for node in reversed(kept)]
        constants = [_copied(t) for name, t in self.constants.items() if name in used]
        inputs, outputs = map(_copied, self.inputs), map(_copied, self.outputs)
        found = schema.GraphProto(name="tower")
        found.node.extend(nodes)
        found.initializer.extend(constants)
        found.input.extend(inputs)
        found.output.extend(outputs)
        model.graph.CopyFrom(found)
        del model.metadata_props[:]
        for key, value in self._metadata.items():
            model.metadata_props.add(key=key, value=value)
        domains = {entry.domain for entry in model.opset_import}
        if MICROSOFT not in domains and any(node.domain == MICROSOFT for node in nodes):
            model.opset_import.add(domain=MICROSOFT, version=1)
        return self._source

    def uses(self, name: str) -> bool:
        """Whether an output of the graph depends on the value `name`."""
        used = {item.name for item in self.outputs}
        for node in reversed(self.nodes):
            if used.intersection(node.output):
                used.update(taken_names(node))
        return name in used

    def to_single_precision(self) -> None:
        """Makes every half-precision number of the graph a single-precision one: processors compute
        with these. Raises ModelError."""
        casts = []
        for name, tensor in list(self.constants.items()):
            if tensor.data_type != schema.FLOAT16:
                continue
            if is_external(tensor):  # the file keeps them as they are
                stored = _copied(tensor)
                stored.name = self.fresh_name("stored")
                self.constants[stored.name] = stored
                del self.constants[name]
                casts.append(self.new_node("Cast", [stored.name], name, to=schema.FLOAT))
            else:
                set_array(tensor, self._source.array(tensor).astype(np.float32))
        self._widen(self.nodes)
        self.nodes[:0] = casts
        for item in (*self.inputs, *self.outputs):
            if item.type.tensor_type.elem_type == schema.FLOAT16:
                item.type.tensor_type.elem_type = schema.FLOAT

    def _widen(self, nodes: Iterable[Any]) -> None:
        for node in nodes:
            for attribute in node.attribute:
                if attribute.name == "to" and attribute.i == schema.FLOAT16:
                    attribute.i = schema.FLOAT
                if attribute.HasField("t") and attribute.t.data_type == schema.FLOAT16:
                    set_array(attribute.t, self._source.array(attribute.t).astype(np.float32))
                for graph in _subgraphs(attribute):
                    for tensor in graph.initializer:
                        if tensor.data_type == schema.FLOAT16:
                            set_array(tensor, self._source.array(tensor).astype(np.float32))
                    self._widen(graph.node)


def single_input(graph: Graph, kinds: tuple[int, ...], rank: int) -> Any:
    """The description of the only input of `graph`. Raises ModelError unless it has one of the
    types `kinds` and `rank` dimensions."""
    if len(graph.inputs) != 1:
        names = ", ".join(item.name for item in graph.inputs) or "nothing"
        raise ModelError(f"{graph.path} takes {names}; csearch needs a tower with one input")
    taken = graph.inputs[0]
    kind = taken.type.tensor_type
    if kind.elem_type not in kinds or len(kind.shape.dim) != rank:
        raise ModelError(
            f"{graph.path} takes {taken.name} of another type or shape than CLIP's towers do"
        )
    return taken


def describe(item: Any, name: str, kind: int, shape: Sequence[int | str]) -> None:
    """Makes `item` the description of an input or output: its name, its type, and each dimension's
    size or, where that varies, name."""
    item.Clear()
    item.name = name
    item.type.tensor_type.elem_type = kind
    item.type.tensor_type.shape.SetInParent()
    for size in shape:
        dimension = item.type.tensor_type.shape.dim.add()
        if isinstance(size, int):
            dimension.dim_value = size
        else:
            dimension.dim_param = size


def taken_names(node: Any) -> Iterator[str]:
    """The names of the values that `node` takes, also those that its subgraphs do."""
    yield from node.input
    for attribute in node.attribute:
        for graph in _subgraphs(attribute):
            yield from (item.name for item in graph.output)
            for inner in graph.node:
                yield from taken_names(inner)


def integer_attribute(node: Any, name: str, default: int) -> int:
    found = _attribute(node, name)
    return default if found is None else int(found.i)


def float_attribute(node: Any, name: str, default: float) -> float:
    found = _attribute(node, name)
    return default if found is None else float(found.f)


def _rename(nodes: Iterable[Any], other: Mapping[str, str]) -> None:
    for node in nodes:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                names[place] = other.get(name, name)
        for attribute in node.attribute:
            for graph in _subgraphs(attribute):
                for item in (*graph.input, *graph.output, *graph.initializer):
                    item.name = other.get(item.name, item.name)
                _rename(graph.node, other)


def integers_attribute(node: Any, name: str) -> list[int]:
    found = _attribute(node, name)
    return [] if found is None else list(found.ints)


def string_attribute(node: Any, name: str) -> str:
    found = _attribute(node, name)
    return "" if found is None else bytes(found.s).decode(errors="replace")


def _subgraphs(attribute: Any) -> list[Any]:
    return [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]


def _attribute(node: Any, name: str) -> Any | None:
    return next((attribute for attribute in node.attribute if attribute.name == name), None)


def _copied(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    for field in ("doc_string", "metadata_props"):
        if field in message.DESCRIPTOR.fields_by_name:
            copy.ClearField(field)
    return copy
