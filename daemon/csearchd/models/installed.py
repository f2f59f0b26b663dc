"""Installed models: directories that hold both towers of a CLIP model and its description.

A model's directory has open_clip's `local-dir:` form (`open_clip_config.json`,
`open_clip_model.safetensors`), and beside it the text tower exported for the service (`text.onnx`),
its tokenizer (`tokenizer.json`, most with `vocabulary.bin`) and `model.toml`, which describes them
all. `token_embedding.bin` holds the rows of the token embedding if they aren't in `text.onnx`. If
the image tower could be exported too, `image.onnx` is its graph, which reads the same weights: the
encoder starts with it, without torch. In a model made of published ONNX files, `image.onnx` holds
its weights itself, and there is no `open_clip_model.safetensors`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any

from csearch.protocol.system_errors import in_words
from csearchd.errors import ModelError
from csearchd.models.catalogue import recommendation
from csearchd.reasons import Reason, from_system
from csearchd.reasons import models as reasons

CONFIG = "open_clip_config.json"
WEIGHTS = "open_clip_model.safetensors"
TEXT_TOWER = "text.onnx"
TOKEN_EMBEDDING = "token_embedding.bin"  # optional: else it is part of the text tower
IMAGE_TOWER = "image.onnx"  # optional: not every tower can be exported
TOKENIZER = "tokenizer.json"
VOCABULARY = "vocabulary.bin"  # of a tokenizer, mapped; optional
BACKGROUND = "background.npy"  # vectors of pictures in general; optional
DESCRIPTION = "model.toml"
FILES = (CONFIG, WEIGHTS, TEXT_TOWER, TOKENIZER)
STARTER = "starter"
MAX_SIZE = 1 << 16  # of a vector, and of a text in tokens


@dataclass(frozen=True)
class Model:
    """One installed model, as its `model.toml` describes it."""

    name: str
    arch: str  # open_clip's name of the architecture
    weights: str  # tag of the pretrained weights, or the name of the file they came from
    licence: str
    dimensions: int  # of a vector
    context_length: int  # the number of tokens that the text tower reads at most
    causal: bool  # the text tower has a causal mask, so that texts need no padding
    text_quantised: bool  # text.onnx has 8-bit weights
    text_cosine: (
        float  # the least, over the test prompts, of the exported text tower to open_clip's
    )
    fingerprint: str  # of both towers as they are published, and their configuration
    checksums: Mapping[str, str]  # sha256 of each file, hexadecimal
    directory: str
    source: str = ""  # REPOSITORY@COMMIT of the hub that it was downloaded from
    tokenizer: str = "clip"  # its kind, which csearchd.models.tokenizer knows
    cleaning: str = "lower"  # of texts, one of csearchd.models.tokenization.cleaning
    pad_token: int = 0
    # Models with the same one give pictures the same vectors (csearchd.models.identity); "" in
    # those installed by an older version, where `fingerprint` stands for it.
    image_fingerprint: str = ""
    succeeds: str = ""  # fingerprint of a model whose text tower this one kept

    @cached_property
    def text_fingerprint(self) -> str:
        """A sha256 of all that determines the vectors of texts as they are computed here."""
        files = sorted((name, sum) for name, sum in self.checksums.items() if name != IMAGE_TOWER)
        settings = (self.tokenizer, self.cleaning, self.pad_token, self.context_length)
        return hashlib.sha256(repr((files, settings)).encode()).hexdigest()

    def path(self, file: str) -> str:
        """The path of one of the model's FILES."""
        return os.path.join(self.directory, file)


def load_model(directory: str) -> Model:
    """The model in `directory`, according to its description; checksums aren't verified.

    Raises ModelError if it is incomplete or its description can't be used.
    """
    path = os.path.join(directory, DESCRIPTION)
    try:
        with open(path, "rb") as file:
            entries = tomllib.load(file)
    except FileNotFoundError:
        if os.path.exists(os.path.join(directory, TEXT_TOWER)):
            raise ModelError(reasons.MISSING(path=path, remedy=remedy(directory))) from None
        raise ModelError(reasons.NO_MODEL(path=directory, name=DESCRIPTION)) from None
    except OSError as error:
        raise unreadable(path, error) from None
    except (ValueError, RecursionError) as error:  # no TOML or UTF-8, tables too deep
        what, details = remedy(directory), str(error)
        raise ModelError(reasons.INVALID(path=path, details=details, remedy=what)) from None
    model = Model(**_checked(entries, path), directory=directory)
    required = [CONFIG, _weights_file(model), TEXT_TOWER, TOKENIZER]
    for name in required:
        if name not in model.checksums:
            what = remedy(directory)
            raise ModelError(reasons.NO_CHECKSUM(path=path, name=name, remedy=what))
    for name in (*required, *({TOKEN_EMBEDDING, VOCABULARY} & model.checksums.keys())):
        if not os.path.isfile(model.path(name)):
            raise ModelError(reasons.MISSING(path=model.path(name), remedy=remedy(directory)))
        if os.path.getsize(model.path(name)) == 0:
            raise ModelError(reasons.EMPTY(path=model.path(name), remedy=remedy(directory)))
    return model


def verify_checksums(model: Model) -> None:
    """Reads every file of the model. Raises ModelError for the first whose checksum is wrong."""
    for name, checksum in model.checksums.items():
        if file_checksum(model.path(name)) != checksum:
            what = remedy(model.directory)
            raise ModelError(reasons.DAMAGED(path=model.path(name), remedy=what))


def write_description(model: Model) -> None:
    """Writes the model's `model.toml` into its directory. Raises OSError."""
    lines = [
        f"{field.name} = {json.dumps(getattr(model, field.name), ensure_ascii=False)}"
        for field in fields(Model)
        if field.name not in ("checksums", "directory")
    ]
    lines += ["", "[checksums]"]
    lines += [f"{json.dumps(name)} = {json.dumps(sum)}" for name, sum in model.checksums.items()]
    with open(model.path(DESCRIPTION), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def starter_directory() -> str:
    """The directory of the model that the package carries."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), STARTER)


def installed_models(models_dir: str) -> list[Model]:
    """The starter model, if the package carries it, then those installed in `models_dir`, by name.

    Models that can't be used are left out: `find_model` says what is wrong with one.
    """
    directories = [starter_directory()]
    try:
        with os.scandir(models_dir) as entries:
            directories += sorted(e.path for e in entries if _is_name(e.name) and e.is_dir())
    except OSError:
        pass  # nothing has been installed yet
    models = []
    for directory in directories:
        try:
            models.append(load_model(directory))
        except ModelError:
            continue
    return models


def find_model(models_dir: str, name: str) -> Model:
    """The installed model `name`. Raises ModelError if there is none or it is damaged."""
    if name == STARTER:
        return load_model(starter_directory())
    directory = os.path.join(models_dir, name)
    if not _is_name(name) or not os.path.isdir(directory):
        known = ", ".join(model.name for model in installed_models(models_dir))
        raise ModelError(reasons.NOT_INSTALLED(name=name, names=known or "none"))
    return load_model(directory)


def remove_model(models_dir: str, name: str) -> None:
    """Deletes the installed model `name`, even if it is damaged. Raises ModelError."""
    if name == STARTER:
        raise ModelError("the starter model is part of the program and can't be removed")
    directory = os.path.join(models_dir, name)
    if not _is_name(name) or not os.path.isdir(directory):
        raise ModelError(
            f"no model {name!r} is in {models_dir}; csearchctl model list shows what is installed"
        )
    try:
        shutil.rmtree(directory)
    except OSError as error:
        where = error.filename or directory
        raise ModelError(f"{where} can't be removed: {in_words(error)}") from None


def check_name(name: str) -> None:
    """Raises ModelError unless a model can be installed under the name `name`."""
    if not _is_name(name) or not name.isprintable():
        raise ModelError(
            f"{name!r} can't be a model's name: choose one without / and without a dot in front"
        )
    if name == STARTER:
        raise ModelError(f"{STARTER!r} is the name of the program's own model: choose another")


def file_checksum(path: str) -> str:
    """sha256 of a file, hexadecimal. Raises ModelError if it can't be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: str, error: OSError) -> ModelError:
    """The error for a model's file that can't be read."""
    what = remedy(os.path.dirname(path))
    return ModelError(
        reasons.UNREADABLE(path=path, reason=from_system(error, advised=False), remedy=what)
    )


def remedy(directory: str) -> Reason:
    """What the user can do about the damaged model in `directory`."""
    if directory == starter_directory():
        return reasons.INSTALL_AGAIN()
    name = os.path.basename(directory)
    if recommendation(name) is not None:
        return reasons.INSTALL_RECOMMENDED_AGAIN(name=name)
    return reasons.INSTALL_MODEL_AGAIN(name=name)


def _weights_file(model: Model) -> str:
    """The file that holds the weights of the image tower: WEIGHTS, or IMAGE_TOWER itself."""
    own = WEIGHTS not in model.checksums and IMAGE_TOWER in model.checksums
    return IMAGE_TOWER if own else WEIGHTS


def _is_name(name: str) -> bool:
    return bool(name) and "/" not in name and "\0" not in name and not name.startswith(".")


def _checked(entries: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The fields of a Model from a description. Raises ModelError for a missing or wrong one."""
    types: dict[str, type] = {"str": str, "int": int, "bool": bool, "float": float}
    values: dict[str, Any] = {}
    for field in fields(Model):
        if field.name == "directory":
            continue
        default = None if field.default is MISSING else field.default
        value = entries.get(field.name, default)
        kind = types.get(str(field.type), dict)
        if type(value) is not kind:
            what = remedy(os.path.dirname(path))
            raise ModelError(
                reasons.WRONG_ENTRY(path=path, name=field.name, type=kind.__name__, remedy=what)
            )
        values[field.name] = value
    for key in ("dimensions", "context_length"):
        if not 1 <= values[key] <= MAX_SIZE:
            what = remedy(os.path.dirname(path))
            raise ModelError(
                reasons.ENTRY_OUT_OF_RANGE(path=path, name=key, limit=MAX_SIZE, remedy=what)
            )
    names = values["fingerprint"] + values["image_fingerprint"] + values["succeeds"]
    if not names.isalnum() or not values["fingerprint"]:
        raise ModelError(reasons.WRONG_FINGERPRINT(path=path))
    return values
