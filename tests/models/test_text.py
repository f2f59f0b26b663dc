"""The hot text tower gives open_clip's vectors, without torch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Any

import numpy as np
import open_clip
import pytest
import torch

from csearchd.errors import ModelError
from csearchd.models import installed
from csearchd.models.conversion.prompts import comparison_prompts
from csearchd.models.conversion.quantisation import text
from csearchd.models.installed import load_model
from csearchd.models.text_tower import TextTower, Vectors
from csearchd.models.token_embedding import write_token_embedding
from models.tiny_model import TINY_CONFIGURATION, make_tiny_model

NOT_CAUSAL = {
    **TINY_CONFIGURATION,
    "custom_text": True,
    "text_cfg": {
        **TINY_CONFIGURATION["text_cfg"],
        "no_causal_mask": True,
        "context_length": 24,
        "proj_bias": True,
    },
}


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = str(tmp_path_factory.mktemp("models") / "quantised")
    make_tiny_model(directory)
    return directory


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = str(tmp_path_factory.mktemp("models") / "plain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "QUANTISED_COSINE", 1.1)
        make_tiny_model(directory)
    return directory


@pytest.fixture(scope="module")
def not_causal(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = str(tmp_path_factory.mktemp("models") / "not-causal")
    make_tiny_model(directory, NOT_CAUSAL)
    return directory


def open_clip_vectors(directory: str, texts: list[str]) -> Vectors:
    clip = open_clip.create_model(f"local-dir:{directory}").eval()
    tokenizer: Any = open_clip.get_tokenizer(f"local-dir:{directory}")
    with torch.inference_mode():
        vectors: Vectors = clip.encode_text(tokenizer(texts), normalize=True).numpy()
    return vectors


@pytest.mark.parametrize(
    ("kind", "causal", "bound"),
    [
        ("plain", True, 0.9999),
        ("quantised", True, text.QUANTISED_COSINE),
        ("not_causal", False, text.QUANTISED_COSINE),
    ],
)
def test_vectors_are_open_clips(
    kind: str, causal: bool, bound: float, request: pytest.FixtureRequest
) -> None:
    model = load_model(request.getfixturevalue(kind))
    assert model.causal is causal
    assert model.text_quantised is (kind != "plain")
    texts = [*comparison_prompts(), "parrots " * 1000, "&lt;b&gt; \U0001f99c isn't"]
    vectors = TextTower(model, 2).embed(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), model.dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    cosines = (vectors * open_clip_vectors(model.directory, texts)).sum(axis=1)
    assert cosines.min() >= bound
    assert model.text_cosine >= bound


def test_a_text_has_the_same_vector_whatever_is_beside_it(quantised: str) -> None:
    tower = TextTower(load_model(quantised), 1)
    alone = tower.embed(["two parrots"])
    together = tower.embed(["", "two parrots", "a long text about everything " * 20])
    assert np.array_equal(together[1], alone[0])
    assert tower.embed([]).shape == (0, 64)


def test_quantising_makes_it_small(quantised: str, plain: str) -> None:
    sizes = [os.path.getsize(load_model(d).path(installed.TEXT_TOWER)) for d in (quantised, plain)]
    assert sizes[0] < 0.35 * sizes[1]


@pytest.mark.parametrize(
    "file",
    [installed.TEXT_TOWER, installed.TOKENIZER, installed.VOCABULARY, installed.TOKEN_EMBEDDING],
)
def test_a_damaged_file_is_one_line(quantised: str, tmp_path: Any, file: str) -> None:
    directory = str(shutil.copytree(quantised, tmp_path / "damaged"))
    with open(os.path.join(directory, file), "r+b") as stream:
        stream.write(b"\xff" * 1000)
    with pytest.raises(ModelError) as caught:
        TextTower(load_model(directory), 1)
    assert directory in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_token_embedding_is_named(quantised: str, tmp_path: Any) -> None:
    directory = str(shutil.copytree(quantised, tmp_path / "incomplete"))
    os.remove(os.path.join(directory, installed.TOKEN_EMBEDDING))
    with pytest.raises(ModelError, match=r"token_embedding\.bin is missing; .*model remove"):
        load_model(directory)


def test_a_token_embedding_of_another_width_is_noticed(quantised: str, tmp_path: Any) -> None:
    directory = str(shutil.copytree(quantised, tmp_path / "mixed"))
    path = os.path.join(directory, installed.TOKEN_EMBEDDING)
    write_token_embedding(path, np.ones((49408, 32), np.float32), "int8")
    with pytest.raises(ModelError, match=r"takes embeddings of \[64\] numbers, not \[32\]"):
        TextTower(load_model(directory), 1)


def test_a_row_that_is_damaged_later_is_no_answer(quantised: str, tmp_path: Any) -> None:
    directory = str(shutil.copytree(quantised, tmp_path / "damaged"))
    tower = TextTower(load_model(directory), 1)
    tower.embed(["a dog"])
    os.truncate(os.path.join(directory, installed.TOKEN_EMBEDDING), 100_000)
    with pytest.raises(ModelError, match=r"token_embedding\.bin is damaged; .*model remove"):
        tower.embed(["a dog"])


def test_a_tower_with_its_token_embedding_inside() -> None:
    """As models have that were installed by earlier versions, and the starter."""
    starter = load_model(installed.starter_directory())
    assert installed.TOKEN_EMBEDDING not in starter.checksums
    assert TextTower(starter, 1).embed(["a dog"]).shape == (1, starter.dimensions)


def test_a_tower_of_another_model_is_noticed(quantised: str, tmp_path: Any) -> None:
    directory = str(shutil.copytree(quantised, tmp_path / "mixed"))
    description = os.path.join(directory, installed.DESCRIPTION)
    with open(description, encoding="utf-8") as file:
        content = file.read()
    with open(description, "w", encoding="utf-8") as file:
        file.write(content.replace("dimensions = 64", "dimensions = 65"))
    with pytest.raises(ModelError, match="64, not 65"):
        TextTower(load_model(directory), 1)


def test_a_directory_may_have_any_name(quantised: str, tmp_path: Any) -> None:
    directory = os.fsdecode(os.path.join(os.fsencode(tmp_path), b"\xff \n'"))
    shutil.copytree(quantised, directory)
    assert TextTower(load_model(directory), 1).embed(["a dog"]).shape == (1, 64)


def test_it_needs_no_torch_writes_nothing_and_keeps_quiet(quantised: str, tmp_path: Any) -> None:
    program = (
        "import os, sys, time\n"
        "from csearchd.models.installed import load_model\n"
        "from csearchd.models.text_tower import TextTower\n"
        f"tower = TextTower(load_model({quantised!r}), 1)\n"
        "tower.embed(['a dog'])\n"
        "assert not {'torch', 'open_clip', 'PIL', 'onnx'} & set(sys.modules)\n"
        "before = time.process_time(); time.sleep(0.5)\n"
        "assert time.process_time() - before < 0.05\n"
        "kinds = [os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')"
        " if os.path.exists(f'/proc/self/fd/{n}')]\n"
        "assert not [kind for kind in kinds if 'socket' in kind or 'cache' in kind], kinds\n"
    )
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    result = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **home}, capture_output=True, text=True
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert os.listdir(tmp_path) == []
