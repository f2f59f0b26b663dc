"""Exporting a model: what is accepted, what is refused, and what the directory is then."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from csearchd.errors import ExportError, ModelError
from csearchd.models import installed
from csearchd.models.architectures import check_configuration, find_architecture
from csearchd.models.catalogue import DEFAULT, RECOMMENDED, Form, recommendation
from csearchd.models.conversion.prompts import comparison_prompts
from csearchd.models.conversion.quantisation import text
from csearchd.models.export import export
from csearchd.models.export.image import ImageBranch
from csearchd.models.export.text import TextBranch
from csearchd.models.installed import load_model, verify_checksums
from csearchd.models.text_tower import TextTower
from csearchd.models.tokenizer import load_tokenizer
from models.tiny_model import PREPROCESSING, TINY_CONFIGURATION, make_tiny_model, make_tiny_weights
from support import vocabularies

CANONICAL = {"tokenizer_kwargs": {"clean": "canonicalize"}}
STRIPPED = {"tokenizer_kwargs": {"strip_sep_token": True}}
T5_TOKENS = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}


@pytest.fixture
def weights(tmp_path: os.PathLike[str]) -> str:
    directory = os.path.join(tmp_path, "weights")
    make_tiny_weights(directory)
    return directory


def export_tiny(directory: str, tokenizer_source: str = "") -> installed.Model:
    return export.export_model(
        directory,
        name="t",
        arch="tiny",
        weights="random",
        licence="MIT",
        tokenizer_source=tokenizer_source,
        portable=True,
    )


def test_an_exported_directory_is_complete_and_open_clips_own(tmp_path: Any) -> None:
    directory = str(tmp_path / "made")
    make_tiny_model(directory)
    model = load_model(directory)
    verify_checksums(model)
    optional = [installed.VOCABULARY, installed.TOKEN_EMBEDDING, installed.IMAGE_TOWER]
    files = [*installed.FILES, *optional]
    assert sorted(os.listdir(directory)) == sorted([*files, installed.DESCRIPTION])
    assert sorted(model.checksums) == sorted(files)
    assert os.path.getsize(model.path(installed.IMAGE_TOWER)) < 300_000  # it holds no weights
    assert (model.name, model.dimensions, model.context_length) == ("made", 64, 77)
    clip, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{directory}")
    assert clip.visual.preprocess_cfg["mean"] == PREPROCESSING["mean"]
    pixels = preprocess(Image.new("RGB", (100, 80))).unsqueeze(0)
    assert clip.encode_image(pixels).shape == (1, 64)


def test_the_float_tower_stays_if_the_small_one_is_too_far_off(
    weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "QUANTISED_COSINE", 1.1)
    model = export_tiny(weights)
    assert not model.text_quantised
    assert model.text_cosine >= export.FLOAT_COSINE


def test_a_tower_that_differs_is_refused(weights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = TextBranch.forward

    def wrong(self: TextBranch, tokens: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        return right(self, tokens, embeddings) + 0.1

    monkeypatch.setattr(TextBranch, "forward", wrong)
    monkeypatch.setattr(export, "is_plain_text_tower", lambda branch: False)
    with pytest.raises(ExportError, match="differs from open_clip's"):
        export_tiny(weights)
    assert installed.DESCRIPTION not in os.listdir(weights)


def test_an_image_tower_that_differs_is_left_out(
    weights: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with open(os.path.join(weights, installed.IMAGE_TOWER), "w") as file:
        file.write("an older one")
    right = ImageBranch.forward

    def wrong(self: ImageBranch, pixels: torch.Tensor) -> torch.Tensor:
        return right(self, pixels).flip(-1)

    monkeypatch.setattr(ImageBranch, "forward", wrong)
    model = export_tiny(weights)
    assert "image tower isn't exported" in caplog.text and "differs" in caplog.text
    check_model_without_image_tower(model)


def test_an_image_tower_that_cant_be_exported_is_left_out(
    weights: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise torch.onnx.errors.OnnxExporterError("no such operator\nand more")

    monkeypatch.setattr(export, "write_image_tower", refuse)
    model = export_tiny(weights)
    (message,) = [
        r.getMessage() for r in caplog.records if r.name == "csearchd.models.export.export"
    ]
    assert message.endswith("torch encodes each picture (no such operator)")
    check_model_without_image_tower(model)


def check_model_without_image_tower(model: installed.Model) -> None:
    optional = [installed.VOCABULARY, installed.TOKEN_EMBEDDING]
    files = [*installed.FILES, *optional, installed.DESCRIPTION]
    assert sorted(os.listdir(model.directory)) == sorted(files)
    assert load_model(model.directory) == model
    verify_checksums(model)


def test_an_image_tower_of_timms_is_exported(tmp_path: Any) -> None:
    directory = str(tmp_path / "convolutions")
    vision = {"timm_model_name": "fasternet_t0", "timm_pool": "avg", "timm_proj": ""}
    configuration = {**TINY_CONFIGURATION, "vision_cfg": {**vision, "image_size": 96}}
    make_tiny_model(directory, configuration)
    assert installed.IMAGE_TOWER in load_model(directory).checksums


def change_weights(directory: str, change: Any) -> None:
    path = os.path.join(directory, installed.WEIGHTS)
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_weights_that_are_no_numbers_are_refused(weights: str) -> None:
    change_weights(weights, lambda tensors: tensors["ln_final.weight"].fill_(float("nan")))
    with pytest.raises(ExportError, match="differs"):
        export_tiny(weights)


def resize_positions(tensors: dict[str, torch.Tensor]) -> None:
    tensors["visual.positional_embedding"] = tensors["visual.positional_embedding"][:10].clone()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda tensors: tensors.pop("ln_final.weight"), "Missing key.*ln_final.weight"),
        (lambda tensors: tensors.update(extra=torch.zeros(1)), "Unexpected key.*extra"),
        (lambda tensors: tensors.update({"ln_final.bias": torch.zeros(3)}), "size mismatch"),
        (resize_positions, "visual.positional_embedding is .10, 64., not .17, 64."),
    ],
)
def test_weights_of_another_architecture_are_one_line(
    weights: str, change: Any, complaint: str
) -> None:
    change_weights(weights, change)
    with pytest.raises(ModelError, match=f"not those of tiny.*{complaint}") as caught:
        export_tiny(weights)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("content", [None, "", "{}", '{"model_cfg": {}}', '{"model_cfg": 3}'])
def test_a_configuration_that_is_none(weights: str, content: str | None) -> None:
    config = os.path.join(weights, installed.CONFIG)
    os.remove(config)
    if content is not None:
        with open(config, "w", encoding="utf-8") as file:
            file.write(content)
    with pytest.raises(ModelError):
        export_tiny(weights)


def test_the_command_exports_again_and_names_errors(
    weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = export_tiny(weights)
    config = os.path.join(weights, installed.CONFIG)
    with open(config, encoding="utf-8") as file:
        content = file.read()
    with open(config, "w", encoding="utf-8") as file:
        file.write(content.replace("bicubic", "bilinear"))
    assert export.main([weights, "--name", "own", "--licence", "MIT"]) == 0
    assert capsys.readouterr().out.startswith("own: 8-bit text tower, cosine 0.99")
    assert load_model(weights).licence == "MIT"
    # Pictures prepared otherwise have other vectors.
    assert load_model(weights).fingerprint != first.fingerprint
    assert export.main([os.path.join(weights, "none")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arch", "reason"),
    [
        ("ViT-B-16-SigLIP", "tokenizer of its own.*timm/ViT-B-16-SigLIP beside the checkpoint"),
        ("ViT-B-32-SigLIP2-256", "tokenizer of its own"),
        ("ViT-L-14-CLIPA", "tokenizer of its own.*bert-base-uncased"),
        ("roberta-ViT-B-32", "not open_clip's own"),
        ("xlm-roberta-base-ViT-B-32", "not open_clip's own"),
        ("nllb-clip-base", "not open_clip's own"),
        ("coca_ViT-B-32", "CoCa"),
        ("ViT-H-14-worldwide", "tokenizer of its own"),
        ("ViT-B-32-265", "similar ones: .*ViT-B-32-256"),
        ("", "knows no architecture"),
        ("../ViT-B-32", "knows no architecture"),
    ],
)
def test_unsupported_architectures_are_refused_in_one_line(
    arch: str, reason: str, tmp_path: Path
) -> None:
    for tokenizer in (None, str(tmp_path)):
        with pytest.raises(ModelError, match=reason) as caught:
            find_architecture(arch).check_supported(tokenizer)
        assert "\n" not in str(caught.value)


def test_a_refusal_needs_no_open_clip() -> None:
    program = (
        "import sys; from csearchd.models.architectures import find_architecture\n"
        "find_architecture('ViT-B-32').check_supported()\n"
        "sys.exit(bool({'torch', 'open_clip'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pool_type": "first"}, "read in another way"),
        ({"vocab_size": 32000}, "not CLIP's"),
        ({"tokenizer_kwargs": {"a": 1}}, "setting 'a'"),
        ({"tokenizer_kwargs": {"clean": "shout"}}, "cleans texts in the way 'shout'"),
        ({"hf_tokenizer_name": "a/b", "tokenizer_mode": "clips"}, "mode 'clips'"),
    ],
)
def test_other_ways_to_read_a_tower_are_refused(change: dict[str, Any], reason: str) -> None:
    text_cfg = {**TINY_CONFIGURATION["text_cfg"], **change}
    with pytest.raises(ModelError, match=f"not supported: .*{reason}"):
        check_configuration({**TINY_CONFIGURATION, "text_cfg": text_cfg}, "tiny")


def test_every_architecture_with_towers_of_open_clips_is_supported(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").touch()
    supported = set()
    for arch in open_clip.list_models():
        with contextlib.suppress(ModelError):
            find_architecture(arch).check_supported(str(tmp_path))
            supported.add(arch)
    for arch in set(open_clip.list_models()) - supported:
        configuration = open_clip.get_model_config(arch)
        assert "multimodal_cfg" in configuration or "hf_model_name" in configuration["text_cfg"]


@pytest.mark.parametrize(
    ("form", "text_cfg"),
    [
        ("siglip2", {"pool_type": "last", "no_causal_mask": True, **CANONICAL}),
        ("causal to the last token", {"pool_type": "last", **CANONICAL}),
        ("worldwide", {"pool_type": "eos", "eos_id": 1, **CANONICAL}),
        ("clipa", {"pool_type": "last", "no_causal_mask": True, **STRIPPED}),
    ],
)
def test_a_text_tower_with_a_tokenizer_of_its_own(
    form: str, text_cfg: dict[str, Any], tmp_path: Path
) -> None:
    """Its vectors are open_clip's for the tokens that the tokenizer gives, padded."""
    if form == "clipa":
        files = vocabularies.bert()
    else:
        files = vocabularies.t5(vocabularies.train("unigram", 1200, **T5_TOKENS))
    vocabularies.publish(files, tmp_path / "beside")
    own = {**TINY_CONFIGURATION["text_cfg"], "hf_tokenizer_name": "a/b", "context_length": 24}
    configuration = {
        **TINY_CONFIGURATION,
        "custom_text": True,
        "text_cfg": {**own, "vocab_size": 1300, **text_cfg},
    }
    directory = str(tmp_path / "model")
    clip = make_tiny_weights(directory, configuration).eval()
    model = export_tiny(directory, tokenizer_source=str(tmp_path / "beside"))
    assert model.causal == (form == "worldwide")
    assert model.pad_token == (0 if form == "clipa" else 1)
    assert model.text_cosine >= 0.998
    tokenizer = load_tokenizer(model)
    texts = ["a dog", "Straße, дом & 山!", "", "a photo of " * 20]
    tokens = [tokenizer.encode(text) for text in texts]
    padded = [row + [model.pad_token] * (24 - len(row)) for row in tokens]
    with torch.inference_mode():
        expected = clip.float().encode_text(torch.tensor(padded), normalize=True).numpy()
    found = TextTower(model, threads=1).embed(texts)
    assert np.sum(found * expected, axis=1).min() >= 0.998


def test_recommended_models_are_supported_and_published() -> None:
    assert (DEFAULT.arch, DEFAULT.weights) == ("ViT-B-32-SigLIP2-256", "webli")
    for entry in RECOMMENDED:
        if entry.form is not Form.IMMICH:
            find_architecture(entry.arch).check_supported()
        published = open_clip.get_pretrained_cfg(entry.arch, entry.weights)
        assert published["hf_hub"].rstrip("/") in entry.page
        assert entry.licence and 0.5 < entry.accuracy < 1
        assert (entry.download < entry.disk) == (entry.form is Form.CHECKPOINT)
        assert recommendation(entry.name.upper()) is entry
    assert recommendation("none") is None


def test_the_prompts_are_many_and_odd() -> None:
    prompts = comparison_prompts()
    assert len(set(prompts)) >= 270
    assert "" in prompts and max(map(len, prompts)) >= 10_000
