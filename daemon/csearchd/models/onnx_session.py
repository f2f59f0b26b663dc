"""Options of onnxruntime that keep a tower small and idle threads asleep."""

from __future__ import annotations

import onnxruntime


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
