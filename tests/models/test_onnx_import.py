"""`csearchctl model import` of published ONNX towers, without torch and the onnx package."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from open_clip import CustomTextCLIP
from PIL import Image
from tokenizers import Tokenizer

from csearchd.models.export.export import load_clip
from csearchd.models.installed import (
    IMAGE_TOWER,
    TOKEN_EMBEDDING,
    WEIGHTS,
    load_model,
    starter_directory,
    verify_checksums,
)
from csearchd.models.preprocess import Preprocess
from csearchd.models.text_tower import TextTower
from models.published import publish_directory, publish_pair
from models.tiny_model import PREPROCESSING, TINY_CONFIGURATION
from support import vocabularies
from support.user import User, wait_for

QUERIES = ("a cat", "a rocket on its launch pad", "a horse in a field")
BLOCKED = ("torch", "open_clip", "onnx", "onnxscript", "safetensors", "timm")


@pytest.fixture(scope="module")
def clip() -> Any:
    """The starter in open_clip: trained weights, with which an order means something."""
    return load_clip(starter_directory(), "starter")


@pytest.fixture(scope="module")
def published(clip: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter in immich-app's form."""
    directory = tmp_path_factory.mktemp("hub") / "starter__first"
    with open(os.path.join(starter_directory(), "open_clip_config.json"), encoding="utf-8") as file:
        content = json.load(file)
    publish_directory(clip, content["model_cfg"], content["preprocess_cfg"], str(directory))
    return directory


def without_packages(user: User, *arguments: object) -> subprocess.CompletedProcess[str]:
    """`csearchctl model import`'s program where none of BLOCKED is installed."""
    program = (
        "import sys\n"
        f"for name in {BLOCKED!r}: sys.modules[name] = None\n"
        "from csearchd.models import install\n"
        "sys.exit(install.main(['--import', *sys.argv[1:]]))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=user.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def open_clip_scores(clip: Any, photos: list[Path]) -> dict[str, Any]:
    """By query: open_clip's cosine of each photo."""
    from open_clip.tokenizer import SimpleTokenizer

    preprocess = Preprocess.of_model(starter_directory())
    pixels = np.stack([preprocess.fit(Image.open(photo).convert("RGB")) for photo in photos])
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in (preprocess.mean, preprocess.std))
    pictures = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - mean) / std
    with torch.inference_mode():
        images = clip.encode_image(pictures, normalize=True)
        texts = clip.encode_text(SimpleTokenizer()(list(QUERIES)), normalize=True)
    return dict(zip(QUERIES, (texts @ images.T).numpy(), strict=True))


def test_the_service_searches_with_an_imported_model(
    user: User, clip: Any, published: Path
) -> None:
    photos = user.take_photos()
    done = without_packages(user, published)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "starter__first is installed; to use it: csearchctl model use starter__first\n"
    )
    model = load_model(str(user.data / "models" / "starter__first"))
    verify_checksums(model)
    assert (model.arch, model.weights, model.causal) == ("starter", "first", True)
    assert model.text_quantised
    assert WEIGHTS not in model.checksums
    assert {IMAGE_TOWER, TOKEN_EMBEDDING} <= model.checksums.keys()

    user.csearchctl("add", user.pictures)
    user.settle()
    user.csearchctl("model", "use", model.name)
    wait_for(lambda: user.status()["model"] == model.name, "the imported model")
    assert user.settle()["failed"] == 0
    for query, expected in open_clip_scores(clip, photos).items():
        output = user.csearch("--json", "-t", len(photos), query, "--in", user.pictures).stdout
        found = [json.loads(line) for line in output.splitlines()]
        scores = {Path(line["path"]): line["score"] for line in found}
        assert scores.keys() == set(photos)
        for photo, score in zip(photos, expected, strict=True):
            assert scores[photo] == pytest.approx(score, abs=0.02)
        assert Path(found[0]["path"]) == photos[int(expected.argmax())]


def test_two_files_are_taken_for_clips_kind(user: User, clip: Any, tmp_path: Path) -> None:
    visual, textual = str(tmp_path / "visual.onnx"), str(tmp_path / "textual.onnx")
    publish_pair(clip, visual, textual)
    user.csearchctl("model", "import", visual, textual, "--name", "own pair")
    model = load_model(str(user.data / "models" / "own pair"))
    assert (model.context_length, model.dimensions) == (77, 256)
    text = "two parrots on a branch"
    found = TextTower(model, 1).embed([text])[0]
    expected = TextTower(load_model(starter_directory()), 1).embed([text])[0]
    assert found @ expected > 0.998


def test_a_tower_that_reads_padding_gets_its_models(user: User, tmp_path: Path) -> None:
    """SigLIP: no causal mask, the last token is read, its own vocabulary and padding."""
    tokenizer = vocabularies.t5(
        vocabularies.train("unigram", 1200, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    )
    size = len(tokenizer_of(tokenizer).get_vocab())
    configuration = {
        **TINY_CONFIGURATION,
        "custom_text": True,
        "text_cfg": {
            **TINY_CONFIGURATION["text_cfg"],
            "context_length": 64,
            "vocab_size": size,
            "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
            "tokenizer_kwargs": {"clean": "canonicalize"},
            "no_causal_mask": True,
            "proj_bias": True,
            "pool_type": "last",
        },
    }
    torch.manual_seed(0)
    towers = {key: configuration[key] for key in ("embed_dim", "vision_cfg", "text_cfg")}
    clip = CustomTextCLIP(**copy.deepcopy(towers)).eval()
    directory = tmp_path / "ViT-tiny-SigLIP__random"
    publish_directory(clip, configuration, PREPROCESSING, str(directory))
    vocabularies.publish(tokenizer, directory / "textual")
    user.csearchctl("model", "import", directory)
    model = load_model(str(user.data / "models" / directory.name))
    assert (model.causal, model.context_length, model.pad_token) == (False, 64, 1)
    texts = ["A dog, on the beach!", "zwei Papageien", ""]
    found = TextTower(model, 1).embed(texts)
    library = tokenizer_of(tokenizer)
    library.no_padding()
    for text, vector in zip(("a dog on the beach", *texts[1:]), found, strict=True):
        tokens = library.encode(text).ids
        padded = torch.tensor([tokens + [1] * (64 - len(tokens))])
        with torch.inference_mode():
            expected = clip.encode_text(padded, normalize=True).numpy()[0]
        assert vector @ expected > 0.998


def tokenizer_of(files: vocabularies.Files) -> Tokenizer:
    return Tokenizer.from_str(json.dumps(files["tokenizer.json"]))


def refusal(user: User, *arguments: object) -> str:
    """The one line that the command says when it refuses; nothing is left of the model."""
    done = user.csearchctl("model", "import", *arguments, check=None)
    assert done.returncode == 2
    *progress, last = done.stderr.decode().splitlines()
    assert last.startswith("csearchctl: ")
    assert all("Traceback" not in line for line in progress)
    models = user.data / "models"
    assert not models.exists() or os.listdir(models) == []
    return last


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "ONNX files"),
        (["--arch", "ViT-B-32"], "ONNX files"),
        (["/nowhere"], "/nowhere does not exist"),
        (["/", "--arch", "ViT-B-32", "--weights", "x"], "ONNX files"),
        (["/"], "config.json is missing"),
        ([__file__], "give a directory"),
        ([__file__, __file__], "can't be used as an ONNX file"),
    ],
)
def test_what_holds_no_model(user: User, arguments: list[str], words: str) -> None:
    assert words in refusal(user, *arguments)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("config.json", '"context_length": 77', '"context_length": 64', "of 77 tokens, not 64"),
        ("config.json", '"image_size": 260', '"image_size": 224', "n×3×260×260"),
        ("config.json", '"text_cfg"', '"text"', "no text_cfg"),
        ("config.json", "{", "", "no JSON object"),
        ("config.json", '"vision_cfg"', '"vision"', "no proper configuration"),
        ("config.json", '"image_size": 260', '"image_size": "260"', "image_size is 260, not"),
        ("config.json", '"image_size": 260', '"image_size": [-1, 1]', "image_size is [-1, 1], not"),
        ("visual/preprocess_cfg.json", '"mean": [', '"mean": ["x", ', "no proper configuration"),
        ("visual/preprocess_cfg.json", '"bicubic"', '["x"]', "interpolation is ['x'], not one of"),
        ("visual/preprocess_cfg.json", '"squash"', '"crop"', "resize_mode is 'crop', not one of"),
    ],
)
def test_a_directory_that_contradicts_itself(
    user: User, published: Path, tmp_path: Path, file: str, old: str, new: str, words: str
) -> None:
    other = Path(shutil.copytree(published, tmp_path / "other"))
    content = (other / file).read_text()
    assert old in content
    (other / file).write_text(content.replace(old, new, 1))
    assert words in refusal(user, other)


@pytest.mark.parametrize("file", ["visual/model.onnx", "textual/model.onnx"])
def test_damaged_towers(user: User, published: Path, tmp_path: Path, file: str) -> None:
    other = Path(shutil.copytree(published, tmp_path / "other"))
    os.truncate(other / file, os.path.getsize(other / file) // 2)
    assert file in refusal(user, other)
    model = onnx.load(published / file)
    del model.graph.node[3]
    onnx.save(model, other / file)
    assert file in refusal(user, other)


@pytest.mark.parametrize("kind", ["Identity", "Cast", "Gather"])
def test_a_node_without_inputs(user: User, published: Path, tmp_path: Path, kind: str) -> None:
    graph = onnx.load(str(published / "textual" / "model.onnx"))
    graph.graph.node.insert(0, onnx.helper.make_node(kind, [], ["nothing"]))
    onnx.save(graph, str(tmp_path / "textual.onnx"))
    visual = published / "visual" / "model.onnx"
    assert "textual.onnx" in refusal(user, visual, tmp_path / "textual.onnx", "--name", "odd")


def test_towers_of_two_models(user: User, published: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(published, tmp_path / "other"))
    model = onnx.load(other / "visual" / "model.onnx")
    output = model.graph.output[0].name
    last = next(node for node in model.graph.node if output in node.output)
    last.output[0] = "whole"
    for name, values in (("from", [0]), ("to", [128]), ("axis", [1])):
        tensor = onnx.numpy_helper.from_array(np.array(values), name)
        model.graph.initializer.append(tensor)
    cut = onnx.helper.make_node("Slice", ["whole", "from", "to", "axis"], [output])
    model.graph.node.append(cut)
    onnx.save(model, other / "visual" / "model.onnx")
    assert "not the towers of one model" in refusal(user, other)


@pytest.mark.parametrize("name", [b"caf\xe9", b"\xff\xfe\n"])
def test_names_that_are_not_utf8_are_no_hindrance(
    user: User, clip: Any, published: Path, tmp_path: Path, name: bytes
) -> None:
    place = tmp_path / os.fsdecode(name)
    place.mkdir()
    # PyTorch takes no such names.
    publish_pair(clip, str(tmp_path / "visual.onnx"), str(tmp_path / "textual.onnx"))
    pair = [shutil.move(tmp_path / file, place / file) for file in ("visual.onnx", "textual.onnx")]
    whole = Path(shutil.copytree(published, place / os.fsdecode(name + b"__first")))
    for model, paths in (("pair", pair), ("whole", [whole])):
        done = without_packages(user, *paths, "--name", model)
        assert done.returncode == 0, done.stderr
        verify_checksums(load_model(str(user.data / "models" / model)))
    odd = shutil.move(pair[0], place / os.fsdecode(name + b".onnx"))
    done = without_packages(user, odd, pair[1], "--name", "odd")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("can't be used: its name isn't UTF-8; rename it")
    done = without_packages(user, whole)  # a name of its own, shown with U+FFFD
    assert done.returncode in (0, 2) and "Traceback" not in done.stderr
    if done.returncode:
        assert done.stderr.splitlines()[-1].startswith("csearchctl: ")
