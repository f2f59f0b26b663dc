"""How fast the towers of open_clip's architectures are as they come from PyTorch's exporter, and as
csearch makes them; both in onnxruntime, on one thread.

    OMP_NUM_THREADS=1 python tests/benchmarks/architectures.py SCRATCH [NAME…]

prints one JSON object a line for each architecture, with random weights: the milliseconds that a
picture and a query take before and after, the least cosine of the vectors to open_clip's (of the
photos that come with csearch, and of 40 prompts), and whether the towers have 8-bit weights. A
NAME is one of open_clip's, or EfficientNet-Lite2; without names, all of ARCHITECTURES are tried.
SCRATCH gets a directory for the one that is measured, of up to 3 GB. Each takes some minutes.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnxruntime
import open_clip
import torch
from safetensors.torch import save_file

from csearchd.errors import ModelError
from csearchd.models.architectures import architecture_configuration
from csearchd.models.assemble import write_configuration
from csearchd.models.conversion.pictures import photo_pixels
from csearchd.models.conversion.prompts import comparison_prompts
from csearchd.models.export.export import export_model, load_clip
from csearchd.models.export.image import ImageBranch
from csearchd.models.export.published import usual_preprocessing
from csearchd.models.export.text import TextBranch, quiet, write_text_tower
from csearchd.models.image_tower import OnnxTower
from csearchd.models.installed import WEIGHTS
from csearchd.models.onnx_session import open_model, session_options
from csearchd.models.preprocess import Preprocess
from csearchd.models.text_tower import TextTower
from csearchd.models.tokenizer import load_tokenizer

ARCHITECTURES = (
    "MobileCLIP2-S0",
    "EfficientNet-Lite2",
    "RN50",
    "ViT-S-32-alt",
    "ViT-B-32",
    "ViT-B-32-256",
    "ViT-B-16",
    "ViTamin-S",
    "convnext_base",
    "PE-Core-S-16-384",
    "PE-Core-B-16",
    "EVA02-B-16",
    "coca_ViT-B-32",
    "ViT-B-32-SigLIP2-256",
)
LITE: dict[str, Any] = {  # a network of convolutions, with a small text tower
    "embed_dim": 256,
    "vision_cfg": {
        "timm_model_name": "tf_efficientnet_lite2",
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": 260,
    },
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 256,
        "heads": 4,
        "layers": 4,
    },
}
REPEATS = 3
BATCH = 4  # pictures


def fastest(work: Callable[[], object]) -> float:
    """Milliseconds of processor time, the least of some."""
    work()
    times = []
    for _ in range(REPEATS):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return 1000 * min(times)


def cosine(found: Any, expected: Any) -> float:
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return round(float(((found * expected).sum(axis=1) / lengths).min()), 5)


def make(name: str, directory: str) -> Any:
    """Makes `directory` a checkpoint with random weights. Raises ModelError."""
    configuration = LITE if name == "EfficientNet-Lite2" else architecture_configuration(name)
    os.mkdir(directory)
    write_configuration(directory, configuration, usual_preprocessing(name))
    torch.manual_seed(0)
    with quiet():
        clip = open_clip.create_model(f"local-dir:{directory}", load_weights=False)
    for module in clip.modules():  # as after a training: statistics of a batch, no zeros
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    tensors = {name: tensor.half().contiguous() for name, tensor in clip.state_dict().items()}
    save_file(tensors, os.path.join(directory, WEIGHTS))
    return load_clip(directory, name)


def open_alone(path: str) -> onnxruntime.InferenceSession:
    return open_model(path, session_options(threads=1))


def pictures(clip: Any, directory: str, scratch: str) -> tuple[Any, dict[str, float]]:
    """The photos' vectors by open_clip, and how the exporter's graph does."""
    preprocess = Preprocess.of_model(directory)
    pixels, branch = photo_pixels(preprocess), ImageBranch(clip, preprocess).eval()
    path = os.path.join(scratch, "image.onnx")
    count = torch.export.Dim("count", min=1, max=1024)
    with quiet(), torch.inference_mode():
        expected = branch(torch.from_numpy(pixels)).numpy()
        torch.onnx.export(
            branch,
            (torch.from_numpy(pixels[:2]),),
            path,
            input_names=["pixels"],
            dynamic_shapes={"pixels": {0: count}},
            dynamo=True,
            optimize=False,
            verbose=False,
        )
    session = open_alone(path)
    taken = {"pixels": pixels[:BATCH]}
    return expected, {"before": round(fastest(lambda: session.run(None, taken)) / BATCH, 2)}


def measured(name: str, scratch: str) -> dict[str, Any]:
    """What is printed of one architecture. Raises ModelError if it is refused."""
    directory = os.path.join(scratch, "model")
    clip = make(name, directory)
    expected, image = pictures(clip, directory, scratch)
    plain = os.path.join(scratch, "text.onnx")
    branch = TextBranch(clip).eval()
    length = len(branch.positional_embedding)
    write_text_tower(branch, length, plain)
    began = time.process_time()
    model = export_model(directory, name=name, arch=name, weights="random", licence="none")
    seconds = time.process_time() - began

    pixels = photo_pixels(Preprocess.of_model(directory))
    tower = OnnxTower(directory)
    image["after"] = round(fastest(lambda: tower.encode(pixels[:BATCH])) / BATCH, 2)
    image["cosine"] = cosine(tower.encode(pixels).astype(np.float32), expected)

    prompts = comparison_prompts()[::7]
    tokenizer = load_tokenizer(model)
    tokens = [tokenizer.encode(prompt) for prompt in prompts]
    padded = [row + [0] * (length - len(row)) for row in tokens]
    with torch.inference_mode():
        vectors = clip.encode_text(torch.tensor(padded), normalize=True).numpy()
    session, text = open_alone(plain), TextTower(model, threads=1)
    table = getattr(clip, "text", clip).token_embedding.weight.detach().float().numpy()

    def before(row: list[int]) -> None:
        least = row if branch.causal else row + [0] * (length - len(row))
        inputs = {"tokens": np.array([least]), "embeddings": table[least][None]}
        session.run(None, {item.name: inputs[item.name] for item in session.get_inputs()})

    times = [
        (
            fastest(functools.partial(before, tokens[number])),
            fastest(functools.partial(text.embed, [prompts[number]])),
        )
        for number in range(0, 16, 3)
    ]
    return {
        "architecture": name,
        "image_ms": image,
        "image_8_bit": tower.arithmetic == "int8",
        "query_ms": {
            "before": round(statistics.median(time for time, _ in times), 2),
            "after": round(statistics.median(time for _, time in times), 2),
            "cosine": cosine(text.embed(prompts), vectors),
        },
        "text_8_bit": model.text_quantised,
        "export_s": round(seconds),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scratch")
    parser.add_argument("names", nargs="*", default=ARCHITECTURES)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for name in options.names:
        scratch = os.path.join(options.scratch, "architecture")
        shutil.rmtree(scratch, ignore_errors=True)
        os.makedirs(scratch)
        try:
            found = measured(name, scratch)
        except ModelError as error:
            found = {"architecture": name, "refused": str(error)}
        print(json.dumps(found), flush=True)
        shutil.rmtree(scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
