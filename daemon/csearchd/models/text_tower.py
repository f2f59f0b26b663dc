"""The text tower: computes a query's vector in milliseconds with onnxruntime, without torch.

It stays in memory while the service runs, so its options keep an idle process small: no memory
arena, no spinning threads. Its token embedding, which may be larger than the rest of the tower, is
a file of which it reads the rows of a text's tokens.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnxruntime

from csearchd.errors import ModelError
from csearchd.models.identity.checksums import MappedFile
from csearchd.models.installed import (
    TEXT_TOWER,
    TOKEN_EMBEDDING,
    VOCABULARY,
    Model,
    remedy,
    unreadable,
)
from csearchd.models.onnx_session import open_model, session_options
from csearchd.models.token_embedding import TokenEmbedding
from csearchd.models.tokenizer import load_tokenizer
from csearchd.reasons import models as reasons

Vectors = npt.NDArray[np.float32]


class TextTower:
    """The text tower of one installed model. Several threads may call it at once."""

    def __init__(self, model: Model, threads: int) -> None:
        """`threads`: the number of threads that compute one text. Raises ModelError if the model's
        files can't be used."""
        self._embedding = None
        if TOKEN_EMBEDDING in model.checksums:
            self._embedding = TokenEmbedding(model.path(TOKEN_EMBEDDING))
        try:
            self._tokenizer = load_tokenizer(model)
            self._session = open_session(model.path(TEXT_TOWER), threads)
            _check_inputs(self._session, self._embedding)
        except OSError as error:
            raise unreadable(model.path(os.path.basename(error.filename or "")), error) from None
        except Exception as error:  # onnxruntime's exceptions have no useful base class
            summary = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(
                reasons.TEXT_TOWER_DAMAGED(
                    path=model.directory, details=summary, remedy=remedy(model.directory)
                )
            ) from None
        self._vocabulary = None
        if VOCABULARY in model.checksums:
            self._vocabulary = MappedFile(model, VOCABULARY)
        self._padded_length = 1 if model.causal else model.context_length
        width = self._session.get_outputs()[0].shape[-1]
        if width != model.dimensions:
            raise ModelError(
                reasons.WRONG_WIDTH(
                    path=model.path(TEXT_TOWER), width=width, expected=model.dimensions
                )
            )
        self._pad_token = model.pad_token
        self._dimensions = model.dimensions

    def embed(self, texts: Sequence[str], language: str = "") -> Vectors:
        """Unit vectors of `texts` in a language, which few models must know (Tokenizer.encode).

        They are float32 of shape (len(texts), dimensions).

        Each text is a run of its own: a quantised tower scales its activations by the batch, and a
        text's vector must not depend on the other texts. Raises ModelError if a file that the tower
        reads is damaged.
        """
        if self._vocabulary is not None:
            self._vocabulary.check()
        vectors = np.empty((len(texts), self._dimensions), np.float32)
        for row, text in enumerate(texts):
            tokens = self._tokenizer.encode(text, language)
            vectors[row] = run_tower(
                self._session, tokens, self._padded_length, self._pad_token, self._embedding
            )
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def has_word(self, word: str) -> bool:
        """Whether a word is one token: half of a word mostly isn't. Raises ModelError as `embed`
        does."""
        if self._vocabulary is not None:
            self._vocabulary.check()
        around = len(self._tokenizer.encode(""))
        return len(self._tokenizer.encode(word)) == around + 1


def open_session(path: str, threads: int) -> onnxruntime.InferenceSession:
    """Opens the exported tower at `path`, which takes int64 `tokens` of shape (1, length), or
    float32 `embeddings` of shape (1, length, width), or both, and gives float32 of shape (1,
    dimensions). Raises OSError, or what onnxruntime does."""
    return open_model(path, session_options(threads))


def run_tower(
    session: onnxruntime.InferenceSession,
    tokens: list[int],
    padded_length: int,
    pad_token: int = 0,
    embedding: TokenEmbedding | None = None,
) -> Vectors:
    """The tower's vector for the tokens of one text: float32 of shape (dimensions,), not scaled to
    unit length.

    `padded_length`: the least number of tokens that the tower takes. `embedding`: that of a tower
    that takes `embeddings`; raises ModelError if it is damaged.
    """
    padded = tokens + [pad_token] * (padded_length - len(tokens))
    vector: Vectors = session.run(None, tower_inputs(session, padded, embedding))[0][0]
    return vector


def tower_inputs(
    session: onnxruntime.InferenceSession, tokens: list[int], embedding: TokenEmbedding | None
) -> dict[str, npt.NDArray[np.int64] | Vectors]:
    """What the tower takes for a text of these tokens. Raises ModelError as `run_tower` does."""
    inputs: dict[str, npt.NDArray[np.int64] | Vectors] = {}
    if embedding is not None:
        inputs["embeddings"] = embedding.rows(tokens)[None]
    if embedding is None or len(session.get_inputs()) > 1:
        inputs["tokens"] = np.array([tokens], np.int64)
    return inputs


def _check_inputs(session: onnxruntime.InferenceSession, embedding: TokenEmbedding | None) -> None:
    """Raises ValueError if the tower doesn't take the rows of `embedding`."""
    widths = [item.shape[-1] for item in session.get_inputs() if item.name == "embeddings"]
    expected = [] if embedding is None else [embedding.width]
    if widths != expected:
        raise ValueError(
            f"it takes embeddings of {widths or 'no'} numbers, not {expected or 'any'}"
        )
