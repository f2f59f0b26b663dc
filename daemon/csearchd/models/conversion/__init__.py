"""Conversion of published ONNX towers to those that csearch serves.

Neither torch nor the `onnx` package is needed: graphs are read, edited and written through the
runtime of protobuf, which onnxruntime brings.
"""
