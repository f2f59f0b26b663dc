"""Options of onnxruntime that keep a tower small and idle threads asleep."""

from __future__ import annotations

import os
from collections.abc import Sequence

import onnxruntime

_CPU = ("CPUExecutionProvider",)


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """Options for a tower that computes in `threads` threads, which sleep when they are idle.

    Without a memory arena, each run frees the memory that it took.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what it logs as an error, it raises, too
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def open_model(
    path: str,
    options: onnxruntime.SessionOptions,
    providers: Sequence[str] = ("CPUExecutionProvider",),
) -> onnxruntime.InferenceSession:
    """Opens the ONNX file at `path`, and the files beside it that hold its weights.

    Raises OSError, or what onnxruntime does.
    """
    # By descriptor: a directory's path may hold any bytes, and from bytes of ours onnxruntime
    # would keep a buffer in memory. Weights in other files are found beside the graph.
    directory, name = os.path.split(path)
    descriptor = os.open(directory or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.stat(name, dir_fd=descriptor)  # onnxruntime's own error is no OSError
        source = f"/proc/self/fd/{descriptor}/{name}"
        return onnxruntime.InferenceSession(source, options, providers=list(providers))
    finally:
        os.close(descriptor)
