"""The token embedding as rows of a file: what is read is what was written, or an error says so."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from csearchd.errors import ModelError
from csearchd.models.token_embedding import Kind, TokenEmbedding, write_token_embedding

ROWS, WIDTH = 5000, 96


def trained(seed: int = 0) -> NDArray[np.float32]:
    """A table like those of trained models: rows of different lengths, and a few columns that are
    far larger than the others."""
    random = np.random.default_rng(seed)
    table = random.standard_normal((ROWS, WIDTH)) * random.uniform(0.2, 3, (ROWS, 1))
    table[:, [3, 40]] = random.uniform(50, 150, (ROWS, 2)) * [1, -1]
    table[7] = 0  # a token that never occurred
    return (0.01 * table).astype(np.float32)


def least_cosine(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return float(((found * expected).sum(axis=1) / lengths).min())


@pytest.mark.parametrize(("kind", "bound"), [("int8", 0.999), ("float16", 0.999999)])
@pytest.mark.parametrize("stored", [np.float32, np.float16])
def test_rows_are_those_of_the_table(
    tmp_path: Path, kind: Kind, bound: float, stored: type[np.float32]
) -> None:
    table = trained()
    path = str(tmp_path / "rows")
    write_token_embedding(path, table.astype(stored), kind)
    tokens = [4999, 0, 1, 1, *range(100, 4000)]
    found = TokenEmbedding(path).rows(tokens)
    assert found.dtype == np.float32 and found.shape == (len(tokens), WIDTH)
    assert least_cosine(found, table[tokens]) > bound
    # The small columns alone, too.
    small = np.delete(np.arange(WIDTH), [3, 40])
    assert least_cosine(found[:, small], table[tokens][:, small]) > bound
    assert not TokenEmbedding(path).rows([7]).any()
    assert TokenEmbedding(path).rows([]).shape == (0, WIDTH)


def test_int8_takes_half_the_disk(tmp_path: Path) -> None:
    sizes = []
    for kind in ("int8", "float16"):
        write_token_embedding(str(tmp_path / kind), trained(), kind)
        sizes.append(os.path.getsize(tmp_path / kind))
    assert ROWS * WIDTH < sizes[0] < 1.1 * ROWS * WIDTH
    assert 2 * ROWS * WIDTH < sizes[1] < 2.1 * ROWS * WIDTH


@pytest.mark.parametrize("token", [-1, ROWS])
def test_a_token_that_the_table_doesnt_have(tmp_path: Path, token: int) -> None:
    write_token_embedding(str(tmp_path / "rows"), trained())
    with pytest.raises(IndexError, match=str(token)):
        TokenEmbedding(str(tmp_path / "rows")).rows([0, token])


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    table = trained()
    table[10, 10] = np.nan
    with pytest.raises(ValueError, match="finite"):
        write_token_embedding(str(tmp_path / "rows"), table)


@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_a_damaged_row_is_never_an_answer(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / "my-model" / "rows"
    path.parent.mkdir()
    write_token_embedding(str(path), trained(), kind)
    embedding = TokenEmbedding(str(path))
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(size - 50)
        byte = file.read(1)[0]
        file.seek(size - 50)
        file.write(bytes([byte ^ 1]))
    for reader in (embedding, TokenEmbedding(str(path))):
        assert reader.rows([0, ROWS - 2]).any()
        complaint = f"^{re.escape(str(path))} is damaged; .*csearchctl model remove my-model"
        with pytest.raises(ModelError, match=complaint):
            reader.rows([0, ROWS - 1])


@pytest.mark.parametrize("offset", range(0, 36, 3))
def test_a_damaged_header_is_found(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "rows"
    write_token_embedding(str(path), trained())
    content = bytearray(path.read_bytes())
    content[offset] ^= 4
    path.write_bytes(content)
    with pytest.raises(ModelError, match="rows is damaged"):
        TokenEmbedding(str(path))


@pytest.mark.parametrize("length", [0, 20, 32, 100, 100_000, -1])
def test_a_cut_file_is_found(tmp_path: Path, length: int) -> None:
    path = tmp_path / "rows"
    write_token_embedding(str(path), trained())
    whole = TokenEmbedding(str(path))
    os.truncate(path, length if length >= 0 else path.stat().st_size - 1)
    with pytest.raises(ModelError, match="rows is damaged"):
        TokenEmbedding(str(path))
    with pytest.raises(ModelError, match="rows is damaged"):  # cut while it is in use
        whole.rows([ROWS - 1])


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="none can't be read"):
        TokenEmbedding(str(tmp_path / "none"))
    with pytest.raises(ModelError, match="can't be read"):
        TokenEmbedding(str(tmp_path))


def test_the_descriptor_goes_with_the_object(tmp_path: Path) -> None:
    path = str(tmp_path / "rows")
    write_token_embedding(path, trained())

    def times_open() -> int:
        directory = "/proc/self/fd"
        links = [f"{directory}/{number}" for number in os.listdir(directory)]
        return sum(os.path.realpath(link) == path for link in links if os.path.exists(link))

    embedding = TokenEmbedding(path)
    assert times_open() == 1
    with open("/proc/self/maps") as maps:
        assert path not in maps.read()
    del embedding
    assert times_open() == 0
    with open(path, "r+b") as file:
        file.write(b"x")
    with pytest.raises(ModelError):
        TokenEmbedding(path)
    assert times_open() == 0
