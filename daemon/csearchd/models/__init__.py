"""Installed models: catalogue, download, installation, and the towers that run without torch."""

import os

# onnxruntime (1.29 and later) reports its use over the network, from a thread that it starts when
# it is imported, and keeps an identifier of the machine on disk; only this keeps it from that.
# Only this package imports it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
