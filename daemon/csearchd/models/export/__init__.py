"""Conversion of open_clip's checkpoints to ONNX.

Only this package and csearchd.encoder.torch_tower import torch or open_clip. The service imports
neither: a model is exported in a process of its own, when it is installed.
"""
