"""The messages of an ONNX file, as far as csearch edits them.

The classes are made from the field numbers of onnx.proto (https://github.com/onnx/onnx,
onnx/onnx.proto). Fields that are not listed here survive reading and writing: protobuf keeps them
as unknown ones. The descriptors have a pool of their own, so that the `onnx` package may be loaded
beside them.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "csearch.onnx"
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "uint64": _Field.TYPE_UINT64,
    "float": _Field.TYPE_FLOAT,
    "double": _Field.TYPE_DOUBLE,
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
}

# By message: field, its number and type. "*": repeated; "#": repeated and packed; "|": at most one
# of them is present. An enumeration is an int32 here, which looks the same in a file.
MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "StringStringEntryProto": {"key": (1, "string"), "value": (2, "string")},
    "OperatorSetIdProto": {"domain": (1, "string"), "version": (2, "int64")},
    "Dimension": {"dim_value": (1, "|int64"), "dim_param": (2, "|string")},
    "TensorShapeProto": {"dim": (1, "*Dimension")},
    "TensorType": {"elem_type": (1, "int32"), "shape": (2, "TensorShapeProto")},
    "TypeProto": {"tensor_type": (1, "TensorType")},
    "ValueInfoProto": {"name": (1, "string"), "type": (2, "TypeProto")},
    "TensorProto": {
        "dims": (1, "*int64"),
        "data_type": (2, "int32"),
        "float_data": (4, "#float"),
        "int32_data": (5, "#int32"),
        "int64_data": (7, "#int64"),
        "name": (8, "string"),
        "raw_data": (9, "bytes"),
        "double_data": (10, "#double"),
        "uint64_data": (11, "#uint64"),
        "external_data": (13, "*StringStringEntryProto"),
        "data_location": (14, "int32"),
    },
    "AttributeProto": {
        "name": (1, "string"),
        "f": (2, "float"),
        "i": (3, "int64"),
        "s": (4, "bytes"),
        "t": (5, "TensorProto"),
        "g": (6, "GraphProto"),
        "floats": (7, "*float"),
        "ints": (8, "*int64"),
        "strings": (9, "*bytes"),
        "graphs": (11, "*GraphProto"),
        "type": (20, "int32"),
    },
    "NodeProto": {
        "input": (1, "*string"),
        "output": (2, "*string"),
        "name": (3, "string"),
        "op_type": (4, "string"),
        "attribute": (5, "*AttributeProto"),
        "doc_string": (6, "string"),
        "domain": (7, "string"),
        "metadata_props": (9, "*StringStringEntryProto"),
    },
    "GraphProto": {
        "node": (1, "*NodeProto"),
        "name": (2, "string"),
        "initializer": (5, "*TensorProto"),
        "doc_string": (10, "string"),
        "input": (11, "*ValueInfoProto"),
        "output": (12, "*ValueInfoProto"),
        "value_info": (13, "*ValueInfoProto"),
        "metadata_props": (16, "*StringStringEntryProto"),
    },
    "ModelProto": {
        "ir_version": (1, "int64"),
        "producer_name": (2, "string"),
        "graph": (7, "GraphProto"),
        "opset_import": (8, "*OperatorSetIdProto"),
        "metadata_props": (14, "*StringStringEntryProto"),
    },
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="csearch/onnx.proto", package=_PACKAGE, syntax="proto2"
    )
    for message, entries in MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in entries.items():
            field = described.field.add(name=name, number=number)
            plain = kind.lstrip("*#|")
            field.label = _Field.LABEL_REPEATED if kind[0] in "*#" else _Field.LABEL_OPTIONAL
            if kind[0] == "#":
                field.options.packed = True
            if kind[0] == "|":
                if not described.oneof_decl:
                    described.oneof_decl.add(name="value")
                field.oneof_index = 0
            if plain in _SCALARS:
                field.type = _SCALARS[plain]
            else:
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        message: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{_PACKAGE}.{message}")
        )
        for message in MESSAGES
    }


CLASSES = _classes()
ModelProto: Any = CLASSES["ModelProto"]
GraphProto: Any = CLASSES["GraphProto"]
NodeProto: Any = CLASSES["NodeProto"]
TensorProto: Any = CLASSES["TensorProto"]
ValueInfoProto: Any = CLASSES["ValueInfoProto"]

# Numbers of the fields whose content csearchd.models.conversion.files finds without parsing it
MODEL_GRAPH = 7
GRAPH_INITIALIZER = 5
TENSOR_RAW_DATA = 9

# TensorProto.DataType
FLOAT, UINT8, INT8, INT32, INT64, BOOL, FLOAT16, DOUBLE, BFLOAT16 = 1, 2, 3, 6, 7, 9, 10, 11, 16
EXTERNAL = 1  # TensorProto.DataLocation
# AttributeProto.AttributeType
ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_INTS = 1, 2, 7
