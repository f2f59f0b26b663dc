"""Archives are unpacked in the same way by every Python."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path


def unpack(archive: Path, directory: Path) -> None:
    """Unpacks a .tar or a .zip. Python 3.12 and later want a filter to be named for tar."""
    if archive.suffix == ".tar" and hasattr(tarfile, "data_filter"):
        shutil.unpack_archive(archive, directory, filter="data")
    else:
        shutil.unpack_archive(archive, directory)
