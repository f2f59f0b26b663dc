"""Serves a small model as immich-app publishes them on the hub.

    PYTHONPATH=tests python -m models.tiny_hub DIRECTORY

makes it in DIRECTORY/tiny__random, prints the hub's address once it listens, and serves until it is
ended. Needs torch.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

from models.hub import Hub, serving
from models.published import publish_directory
from models.tiny_model import PREPROCESSING, make_tiny_weights

NAME = "tiny__random"
CONFIGURATION: dict[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 256, "layers": 1, "width": 64, "head_width": 32, "patch_size": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}


def tiny_hub(directory: Path, clip: Any) -> Hub:
    """A hub that holds the model `clip`, of CONFIGURATION, whose files are made in `directory`."""
    from csearchd.models.export.bpe_vocabulary import clip_tokenizer

    publish_directory(clip, CONFIGURATION, PREPROCESSING, str(directory))
    (directory / "textual" / "tokenizer.json").write_text(clip_tokenizer().to_str())
    files = {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }
    return Hub(files, repository=f"immich-app/{NAME}", licence="apache-2.0")


def main(directory: str) -> None:
    place = Path(directory)
    clip = make_tiny_weights(str(place / "weights"), CONFIGURATION)
    with serving(tiny_hub(place / NAME, clip)) as hub:
        print(hub.address, flush=True)
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
