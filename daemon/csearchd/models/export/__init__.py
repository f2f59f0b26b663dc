"""Export of open_clip checkpoints to ONNX. Only this package and csearchd.encoder.torch_tower
import torch."""
