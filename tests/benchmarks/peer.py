"""rclip 3.3.0, what csearch is compared with: in a virtual environment of its own, with the same
weights."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from models.tiny_model import make_tiny_weights

VERSION = "3.3.0"
MODEL = "ViT-B-32-256"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "csearch-benchmarks"
"""What takes minutes to make and is the same each time: rclip, the model, rclip's copy of it."""

# Where rclip 3.3.0 looks below its data directory (rclip/model_download.py).
_TOWERS = "ViT-B-32-256-datacomp_s34b_b86k"
_VOCABULARY = "tokenizer/bpe_simple_vocab_16e6.txt.gz"


class Rclip:
    """An installed rclip; its library and models are below `data`."""

    def __init__(self, program: Path, data: Path) -> None:
        self.program = program
        self.data = data

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "RCLIP_DATADIR": str(self.data), "HF_HUB_OFFLINE": "1"}

    def command(self, *arguments: str) -> list[str]:
        return [str(self.program), *arguments]


def random_model() -> Path:
    """The directory of MODEL with random weights, as `csearchctl model import` leaves it now: what
    an older version has exported is exported again."""
    from csearchd.models import conversion, export

    directory, stamp = CACHE / MODEL, CACHE / f"{MODEL}.exporter"
    digest = hashlib.sha256()
    for package in (conversion, export):
        for module in sorted(Path(package.__path__[0]).rglob("*.py")):
            digest.update(module.read_bytes())
    if not stamp.exists() or stamp.read_text() != digest.hexdigest():
        from csearchd.models.architectures import architecture_configuration
        from csearchd.models.export.export import export_model

        make_tiny_weights(str(directory), architecture_configuration(MODEL))
        export_model(str(directory), name=MODEL, arch=MODEL, weights="random", licence="MIT")
        stamp.write_text(digest.hexdigest())
    return directory


def installed_rclip(data: Path) -> Rclip:
    """rclip with an empty library in `data`, and the towers of `random_model`."""
    environment, towers = CACHE / f"rclip-{VERSION}", CACHE / "rclip-towers"
    program = environment / "bin" / "rclip"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        pip = [str(environment / "bin" / "pip"), "install", "--quiet", f"rclip=={VERSION}"]
        subprocess.run(pip, check=True, stdout=sys.stderr)
    if not (towers / _VOCABULARY).exists():
        _export_towers(random_model(), towers)
    if not (data / _VOCABULARY).exists():
        shutil.copytree(towers, data, copy_function=os.link, dirs_exist_ok=True)
    return Rclip(program, data)


def _export_towers(model: Path, target: Path) -> None:
    """Both towers in float32, with rclip's names of inputs and outputs; its vocabulary last."""
    import open_clip
    import torch

    class Tower(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, run: Callable[[torch.Tensor], torch.Tensor]) -> None:
            super().__init__()
            self.clip, self.run = clip, run

        def forward(self, argument: torch.Tensor) -> torch.Tensor:
            return self.run(argument)

    clip = open_clip.create_model(f"local-dir:{model}").eval()
    size = clip.visual.image_size[0]
    (target / _TOWERS).mkdir(parents=True, exist_ok=True)
    for name, run, sample in (
        ("visual", clip.encode_image, torch.zeros(2, 3, size, size)),
        ("textual", clip.encode_text, torch.zeros(2, clip.context_length, dtype=torch.int64)),
    ):
        torch.onnx.export(
            Tower(run),
            (sample,),
            str(target / _TOWERS / f"{name}.onnx"),
            input_names=["input"],
            output_names=["output"],
            dynamic_shapes={"argument": {0: torch.export.Dim("count", min=1, max=1024)}},
            external_data=False,
            dynamo=True,
            verbose=False,
        )
    vocabulary = Path(open_clip.__file__).parent / Path(_VOCABULARY).name
    (target / _VOCABULARY).parent.mkdir(exist_ok=True)
    shutil.copy(vocabulary, target / _VOCABULARY)
