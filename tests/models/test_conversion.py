"""Published ONNX towers are converted to those that csearch serves, with the same vectors."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import open_clip
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from csearchd.errors import ModelError
from csearchd.models.conversion import text
from csearchd.models.conversion.image import convert_image_tower
from csearchd.models.conversion.pictures import photo_pixels, sample_pixels
from csearchd.models.conversion.quantisation import image as quantised_image
from csearchd.models.conversion.quantisation import text as quantised_text
from csearchd.models.conversion.text import convert_text_tower
from csearchd.models.image_tower import OnnxTower
from csearchd.models.installed import IMAGE_TOWER, TEXT_TOWER, TOKEN_EMBEDDING
from csearchd.models.preprocess import Preprocess
from csearchd.models.text_tower import open_session, run_tower
from csearchd.models.token_embedding import TokenEmbedding
from models.published import publish_pair
from models.tiny_model import PREPROCESSING, TINY_CONFIGURATION

LENGTH, VOCABULARY, PAD = 20, 1000, 1
SIZE = TINY_CONFIGURATION["vision_cfg"]["image_size"]
CLIP: dict[str, Any] = {
    **TINY_CONFIGURATION,
    "text_cfg": {
        **TINY_CONFIGURATION["text_cfg"],
        "context_length": LENGTH,
        "vocab_size": VOCABULARY,
    },
}
SIGLIP: dict[str, Any] = {
    **CLIP,
    "custom_text": True,
    "text_cfg": {
        **CLIP["text_cfg"],
        "no_causal_mask": True,
        "proj_bias": True,
        "pool_type": "last",
    },
}
PREPROCESS = Preprocess(
    SIZE, SIZE, PREPROCESSING["mean"], PREPROCESSING["std"], "bicubic", "shortest", 0
)
RANDOM = np.random.default_rng(0)
PROMPTS = [
    [998, *RANDOM.integers(2, 998, length % (LENGTH - 1)).tolist(), 999] for length in range(40)
]


class Published:
    """A model with random weights, and its towers as files."""

    def __init__(
        self, directory: Path, configuration: dict[str, Any], *, dynamo: bool, half: bool
    ) -> None:
        torch.manual_seed(0)
        arguments = copy.deepcopy(configuration)
        custom = arguments.pop("custom_text", False)
        kind = open_clip.CustomTextCLIP if custom else open_clip.CLIP
        self.clip: Any = kind(**arguments).eval()
        self.visual = str(directory / "visual.onnx")
        self.textual = str(directory / "textual.onnx")
        exported = copy.deepcopy(self.clip).half() if half else self.clip
        publish_pair(exported, self.visual, self.textual, dynamo=dynamo)

    def text_vectors(self) -> Any:
        padded = [tokens + [PAD] * (LENGTH - len(tokens)) for tokens in PROMPTS]
        with torch.inference_mode():
            return self.clip.encode_text(torch.tensor(padded), normalize=True).numpy()

    def image_vectors(self, pixels: Any) -> Any:
        mean, std = (torch.tensor(PREPROCESSING[key]).view(3, 1, 1) for key in ("mean", "std"))
        pictures = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - mean) / std
        with torch.inference_mode():
            return self.clip.encode_image(pictures, normalize=True).numpy()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(tmp_path_factory.mktemp("clip"), CLIP, dynamo=False, half=False)


@pytest.fixture(scope="module")
def siglip(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(tmp_path_factory.mktemp("siglip"), SIGLIP, dynamo=False, half=False)


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(tmp_path_factory.mktemp("half"), CLIP, dynamo=False, half=True)


@pytest.fixture(scope="module")
def dynamo(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(tmp_path_factory.mktemp("dynamo"), SIGLIP, dynamo=True, half=False)


def convert_text(published: Published, directory: Path) -> text.TextConversion:
    return convert_text_tower(
        published.textual,
        str(directory),
        context_length=LENGTH,
        prompts_tokens=PROMPTS,
        pad_token=PAD,
    )


def text_cosines(directory: Path, published: Published, padded_length: int) -> Any:
    """Of the converted tower's vectors to open_clip's."""
    session = open_session(str(directory / TEXT_TOWER), 1)
    embedding = TokenEmbedding(str(directory / TOKEN_EMBEDDING))
    padded = [tokens + [PAD] * (padded_length - len(tokens)) for tokens in PROMPTS]
    found = np.stack([run_tower(session, tokens, 1, embedding=embedding) for tokens in padded])
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return (found * published.text_vectors()).sum(axis=1)


@pytest.mark.parametrize("kind", ["clip", "siglip", "half", "dynamo"])
def test_texts_have_the_published_vectors(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    published: Published = request.getfixturevalue(kind)
    found = convert_text(published, tmp_path)
    assert found.quantised
    assert found.dimensions == 64
    assert found.cosine >= quantised_text.QUANTISED_COSINE
    assert found.causal is (kind in ("clip", "half"))  # though it was exported for one length
    cosines = text_cosines(tmp_path, published, 1 if found.causal else LENGTH)
    assert cosines.min() >= 0.997  # half precision itself costs a little
    assert sorted(os.listdir(tmp_path)) == sorted([TEXT_TOWER, TOKEN_EMBEDDING])
    # Neither the token embedding nor float weights are in the graph.
    assert os.path.getsize(tmp_path / TEXT_TOWER) < 0.5 * os.path.getsize(published.textual)
    onnx.checker.check_model(str(tmp_path / TEXT_TOWER))
    inputs = {item.name for item in onnx.load(tmp_path / TEXT_TOWER).graph.input}
    # Only the one that looks for the end of the text takes the tokens. (The older exporter's graph
    # takes their shape.)
    assert inputs == ({"embeddings"} if kind == "dynamo" else {"tokens", "embeddings"})


@pytest.mark.parametrize("kind", ["clip", "siglip", "half", "dynamo"])
def test_pictures_have_the_published_vectors(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    published: Published = request.getfixturevalue(kind)
    found = convert_image_tower(published.visual, str(tmp_path), PREPROCESS)
    assert found.dimensions == 64
    assert found.cosine >= quantised_image.QUANTISED_COSINE
    tower = OnnxTower(str(tmp_path))
    assert tower.batch == (1 if kind == "dynamo" else 4)  # the graph tells
    assert tower.arithmetic == ("int8" if found.quantised else "onnx")
    pixels = np.concatenate([photo_pixels(PREPROCESS), sample_pixels(PREPROCESS)])
    vectors = tower.encode(pixels).astype(np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert (vectors * published.image_vectors(pixels)).sum(axis=1).min() >= 0.998
    assert os.listdir(tmp_path) == [IMAGE_TOWER]
    onnx.checker.check_model(str(tmp_path / IMAGE_TOWER))
    operators = {node.op_type for node in onnx.load(tmp_path / IMAGE_TOWER).graph.node}
    assert "Conv" not in operators  # patches are multiplied, too


def test_what_loses_too_much_by_8_bits_stays_in_float(
    clip: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantised_text, "QUANTISED_COSINE", 1.1)
    monkeypatch.setattr(quantised_image, "QUANTISED_COSINE", 1.1)
    found = convert_text(clip, tmp_path)
    assert not found.quantised
    assert found.cosine >= text.FLOAT_COSINE
    assert text_cosines(tmp_path, clip, 1).min() >= text.FLOAT_COSINE
    other = convert_image_tower(clip.visual, str(tmp_path), PREPROCESS)
    assert not other.quantised
    assert other.cosine >= 0.9999
    assert OnnxTower(str(tmp_path)).arithmetic == "onnx"


@pytest.fixture(scope="module")
def outliers(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Towers like trained ones: a few columns of their activations are far larger."""
    published = Published(tmp_path_factory.mktemp("outliers"), CLIP, dynamo=False, half=False)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in published.clip.named_parameters():
            if ".ln_" in name and name.endswith("weight"):
                parameter[torch.randperm(64, generator=random)[:4]] = 20.0
            elif name.endswith(("in_proj_weight", "c_fc.weight")):
                parameter.mul_(0.3)
    publish_pair(published.clip, published.visual, published.textual)
    return published


def test_outliers_are_smoothed(outliers: Published, tmp_path: Path) -> None:
    found = convert_text(outliers, tmp_path)
    assert found.quantised
    assert found.causal
    assert text_cosines(tmp_path, outliers, 1).min() >= 0.998
    nodes = onnx.load(tmp_path / TEXT_TOWER).graph.node
    makers = {node.output[0]: node.op_type for node in nodes}
    quantised = [node for node in nodes if node.op_type == "DynamicQuantizeMatMul"]
    assert quantised
    assert "Mul" in {makers[node.input[0]] for node in quantised}


def test_a_tower_of_another_length_is_refused(clip: Published, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="texts of 20 tokens, not 77"):
        convert_text_tower(
            clip.textual, str(tmp_path), context_length=77, prompts_tokens=PROMPTS, pad_token=0
        )
    assert os.listdir(tmp_path) == []


def test_a_tower_of_another_size_is_refused(clip: Published, tmp_path: Path) -> None:
    other = Preprocess(32, 32, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0)
    with pytest.raises(ModelError, match="n×3×64×64, not n×3×32×32"):
        convert_image_tower(clip.visual, str(tmp_path), other)
    assert os.listdir(tmp_path) == []


def test_towers_in_the_wrong_places_are_refused(clip: Published, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="another type or shape"):
        convert_image_tower(clip.textual, str(tmp_path), PREPROCESS)
    with pytest.raises(ModelError, match="another type or shape"):
        convert_text_tower(
            clip.visual, str(tmp_path), context_length=LENGTH, prompts_tokens=PROMPTS, pad_token=0
        )


def save_text_graph(path: str, nodes: list[onnx.NodeProto], table: Any) -> None:
    taken = helper.make_tensor_value_info("text", TensorProto.INT64, ["n", LENGTH])
    given = helper.make_tensor_value_info("given", TensorProto.FLOAT, None)
    tables = [numpy_helper.from_array(table, "table")]
    graph = helper.make_graph(nodes, "graph", [taken], [given], tables)
    imports = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), path)


@pytest.mark.parametrize(
    ("operator", "table", "message"),
    [
        ("Gather", np.ones((VOCABULARY, 8), np.float32), "gives no vectors"),  # three dimensions
        ("Gather", np.ones((10, 8), np.float32), "can't be run"),  # tokens without a row
        ("Gather", np.full((VOCABULARY, 8), np.nan, np.float32), "gives no vectors"),
        ("Nonsense", np.ones((VOCABULARY, 8), np.float32), "onnxruntime can't load"),
        ("Gather", np.ones(VOCABULARY, np.float32), "no single token embedding"),
    ],
)
def test_graphs_that_are_no_text_towers(
    tmp_path: Path, operator: str, table: Any, message: str
) -> None:
    source = str(tmp_path / "source.onnx")
    save_text_graph(source, [helper.make_node(operator, ["table", "text"], ["given"])], table)
    os.mkdir(tmp_path / "made")
    with pytest.raises(ModelError, match=message) as caught:
        convert_text_tower(
            source,
            str(tmp_path / "made"),
            context_length=LENGTH,
            prompts_tokens=PROMPTS,
            pad_token=0,
        )
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path / "made") == []
