"""Gives towers 8-bit weights, as accurate as it takes: those of published ONNX files and those of
checkpoints alike."""
