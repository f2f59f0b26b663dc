"""Models as they are published for onnxruntime: what is fetched of them, and in which form it
comes to lie in the cache."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import types
from typing import Any

import open_clip
import pytest

from csearchd.errors import ModelError
from csearchd.models import fetch
from csearchd.models.architectures import architecture_configuration
from csearchd.models.catalogue import (
    RECOMMENDED,
    Form,
    Publication,
    Recommendation,
    publication,
    recommendation,
)
from csearchd.models.hub.connection import Hub
from models.hub import COMMIT, serving
from models.hub import Hub as StandIn

FOLDER = "ViT-B-32-256-datacomp_s34b_b86k"
IMMICH = {
    "README.md": b"# Model",
    ".gitattributes": b"*.onnx filter=lfs",
    "config.json": b'{"embed_dim": 64}',
    "visual/model.onnx": b"image tower",
    "visual/model.armnn": b"x" * 1000,
    "visual/fp16/model.armnn": b"x" * 1000,
    "visual/rknpu/rk3588/model.rknn": b"x" * 1000,
    "visual/preprocess_cfg.json": b"{}",
    "textual/model.onnx": b"text tower",
    "textual/text.token_embedding.weight": b"its table, in a file of its own",
    "textual/onnx__MatMul_4321": b"a matrix",
    "textual/model.rknn": b"x" * 1000,
    "textual/tokenizer.json": b'{"model": {}}',
    "textual/tokenizer_config.json": b'{"pad_token": "<pad>"}',
    "textual/special_tokens_map.json": b"{}",
}
RCLIP = {
    f"{FOLDER}/visual.onnx": b"image tower",
    f"{FOLDER}/textual.onnx": b"text tower",
    f"{FOLDER}/textual.onnx.data": b"its weights",
    f"{FOLDER}/visual.mlpackage/Data/weights.bin": b"x" * 1000,
    "another/visual.onnx": b"x" * 1000,
    "tokenizer/bpe_simple_vocab_16e6.txt.gz": b"x" * 1000,
}


def entry(form: Form) -> Recommendation:
    return next(entry for entry in RECOMMENDED if entry.form is form)


def published(form: Form) -> Publication:
    return entry(form).publication


@pytest.fixture
def place(tmp_path: Any) -> tuple[str, str]:
    """Where downloads and models are."""
    return str(tmp_path / "downloads"), str(tmp_path / "models")


def fetched(served: StandIn, chosen: Publication, place: tuple[str, str]) -> fetch.Downloaded:
    return fetch.download_model(Hub(served.address, pauses=(0.01,)), chosen, *place)


def contents(directory: str) -> dict[str, bytes]:
    found = {}
    for above, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(above, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, directory)] = file.read()
    return found


@pytest.mark.parametrize("xet", [False, True])
def test_a_model_of_immichs_is_fetched_without_what_others_run(
    place: tuple[str, str], xet: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = published(Form.IMMICH)
    hub = StandIn(IMMICH, repository=chosen.repository, licence="apache-2.0", xet=xet)
    with serving(hub) as served:
        done = fetched(served, chosen, place)
        again = fetched(served, chosen, place)
    expected = {
        name: content
        for name, content in IMMICH.items()
        if (content != b"x" * 1000 and "/" in name) or name == "config.json"
    }
    assert contents(done.directory) == expected
    assert set(done.names) == set(expected)
    assert done.source == f"{chosen.repository}@{COMMIT}"
    assert again == done
    assert len(served.ranges) == len(expected)  # nothing was fetched twice
    said = capsys.readouterr().err.splitlines()[0]
    assert said == f"{chosen.repository}: downloading 0 MB (licence: apache-2.0)"


def test_a_model_of_rclips_is_brought_into_immichs_form(place: tuple[str, str]) -> None:
    chosen = published(Form.RCLIP)
    with serving(StandIn(RCLIP, repository=chosen.repository)) as served:
        done = fetched(served, chosen, place)
    found = contents(done.directory)
    assert json.loads(found.pop("config.json")) == architecture_configuration("ViT-B-32-256")
    prepared = json.loads(found.pop("visual/preprocess_cfg.json"))
    original = open_clip.get_pretrained_cfg("ViT-B-32-256", "datacomp_s34b_b86k")
    for key in ("interpolation", "resize_mode"):
        assert prepared[key] == original[key]
    for key in ("mean", "std"):
        assert prepared[key] == list(original[key])
    assert found == {
        "visual/model.onnx": b"image tower",
        "textual/model.onnx": b"text tower",
        "textual/textual.onnx.data": b"its weights",  # by this name the tower refers to it
    }


@pytest.mark.parametrize(
    ("form", "missing"),
    [
        (Form.IMMICH, "config.json"),
        (Form.IMMICH, "textual/tokenizer.json"),
        (Form.RCLIP, f"{FOLDER}/textual.onnx"),
    ],
)
def test_a_repository_that_lacks_something(
    place: tuple[str, str], form: Form, missing: str
) -> None:
    files = {**(IMMICH if form is Form.IMMICH else RCLIP)}
    del files[missing]
    what = "textual/model.onnx" if form is Form.RCLIP else missing
    with (
        serving(StandIn(files)) as served,
        pytest.raises(ModelError, match=f"no model for onnxruntime: {what} is missing"),
    ):
        fetched(served, published(form), place)
    assert served.ranges == []


def test_only_the_pinned_commit_and_files_are_accepted(place: tuple[str, str]) -> None:
    chosen = dataclasses.replace(published(Form.IMMICH), revision=COMMIT)
    with serving(StandIn(IMMICH)) as served:
        fetched(served, chosen, place)
        other = dataclasses.replace(chosen, checksums={"visual/model.onnx": "0" * 64})
        with pytest.raises(ModelError, match=r"another visual/model.onnx than csearch knows"):
            fetched(served, other, place)
        served.commit = "2" * 40
        with pytest.raises(ModelError, match="404"):
            fetched(served, chosen, place)


def test_room_for_the_towers_that_are_made_is_asked_for(
    place: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        **IMMICH,
        "textual/model.onnx": bytes(8_000_000),
        "visual/model.onnx": bytes(4_000_000),
    }
    free = 28_100_000  # 12 to download, 6 for both towers in 8 bits, and 10 for copies of one
    with serving(StandIn(files)) as served:
        monkeypatch.setattr(
            shutil, "disk_usage", lambda _: types.SimpleNamespace(free=free - 200_000)
        )
        with pytest.raises(ModelError, match=r"the disk of .* has 28 MB free; 28 MB are"):
            fetched(served, published(Form.IMMICH), place)
        assert served.ranges == []
        monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=free))
        fetched(served, published(Form.IMMICH), place)


def test_sizes_follow_from_what_is_known_of_a_model() -> None:
    """Sizes that were measured, in MB: two of immich-app's repositories, and ViT-B-32-256 made
    from its checkpoint, with what its export needs besides."""
    for name, size in (("ViT-B-32-SigLIP2-256", 1542), ("ViT-L-16-SigLIP2-256", 3561)):
        known = recommendation(name)
        assert known is not None and abs(known.download / 1e6 - size) < 5
    towers = entry(Form.RCLIP)
    elsewhere = Publication(Form.CHECKPOINT, "someone/model")
    checkpoint = dataclasses.replace(towers, publication=elsewhere)
    assert abs(checkpoint.disk / 1e6 - 760) < 5
    assert abs((checkpoint.peak - checkpoint.disk) / 1e6 - 351) < 5


def test_the_catalogue_says_where_each_model_is() -> None:
    for known in RECOMMENDED:
        place = known.publication
        assert place.repository.count("/") == 1
        assert (place.folder != "") == (known.form is Form.RCLIP)
        if known.form is Form.IMMICH:
            assert place.repository == f"immich-app/{known.arch}__{known.weights}"
        if known.form is Form.CHECKPOINT:
            original = open_clip.get_pretrained_cfg(known.arch, known.weights)
            assert original["hf_hub"] == f"{place.repository}/"
        ready = None if known.form is Form.CHECKPOINT else place
        assert publication(known.name.lower()) == ready


def test_immichs_other_models_go_by_their_names_there() -> None:
    found = publication("nllb-clip-base-siglip__mrl")
    assert found == Publication(Form.IMMICH, "immich-app/nllb-clip-base-siglip__mrl")
    assert publication("ViT-B-32:openai") is None
