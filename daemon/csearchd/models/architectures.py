"""Which of open_clip's architectures are supported, according to their configuration files.

It reads the files of the open_clip package without importing it, which takes three seconds: an
unsupported architecture is refused at once, and before any download.
"""

from __future__ import annotations

import difflib
import importlib.util
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csearch.protocol.system_errors import in_words
from csearchd.errors import ModelError
from csearchd.models.installed import TOKENIZER
from csearchd.models.pytorch import conversion_needs
from csearchd.models.tokenization.clip import VOCABULARY_SIZE as CLIP
from csearchd.models.tokenization.prepare import check_tokenizer

_MAX_JSON = 1 << 20  # bytes
POOLINGS = ("argmax", "eos", "last")
"""Ways in which open_clip reads a text's vector: at the token with the largest number, at the one
that ends the text, at the last."""


@dataclass(frozen=True)
class Architecture:
    """An architecture of open_clip's, or one that it can build by a configuration."""

    name: str
    configuration: Mapping[str, Any]  # `model_cfg` of open_clip_config.json
    preprocessing: Mapping[str, Any] | None = None  # its `preprocess_cfg`, if it is known

    def check_supported(self, tokenizer: str | None = None) -> None:
        """Raises ModelError with the reason if a checkpoint of it can't be exported.

        `tokenizer`: the directory with the tokenizer's files, for those architectures whose
        tokenizer isn't CLIP's.
        """
        check_configuration(self.configuration, self.name)
        name = self.configuration["text_cfg"].get("hf_tokenizer_name")
        if name and not (tokenizer and os.path.isfile(os.path.join(tokenizer, TOKENIZER))):
            raise ModelError(
                f"{self.name} has a tokenizer of its own: put {TOKENIZER} of {name} beside the"
                " checkpoint, and try again"
            )


def find_architecture(name: str) -> Architecture:
    """The architecture that open_clip calls `name`. Raises ModelError, naming similar ones, if
    there is none."""
    return Architecture(name, architecture_configuration(name))


def read_architecture(path: str) -> Architecture:
    """The architecture in a file of JSON: open_clip's configuration, alone or as in its
    open_clip_config.json. It is called like the file. Raises ModelError if it can't be read."""
    content = read_json(path)
    name, _ = os.path.splitext(os.path.basename(path))
    name = os.fsencode(name).decode(errors="replace")
    if "model_cfg" not in content:
        return Architecture(name, content)
    configuration, preprocessing = content["model_cfg"], content.get("preprocess_cfg")
    if not isinstance(configuration, dict) or not isinstance(preprocessing, dict | None):
        raise ModelError(
            f"{path} is no configuration of open_clip: give the model's open_clip_config.json"
        )
    return Architecture(name, configuration, preprocessing)


def architecture_configuration(arch: str) -> dict[str, Any]:
    """open_clip's configuration of `arch`. Raises ModelError, naming similar ones, if there is
    none."""
    directory = _configurations_directory()
    names = [os.path.splitext(name)[0] for name in os.listdir(directory)]
    if arch not in names:
        similar = difflib.get_close_matches(arch, names, n=3, cutoff=0.4)
        hint = f"; similar ones: {', '.join(similar)}" if similar else ""
        raise ModelError(f"open_clip knows no architecture {arch!r}{hint}")
    with open(os.path.join(directory, f"{arch}.json"), encoding="utf-8") as file:
        configuration: dict[str, Any] = json.load(file)
    return configuration


def read_json(path: str) -> dict[str, Any]:
    """The object in the JSON file at `path`. Raises ModelError."""
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_JSON + 1)
        found = json.loads(content) if len(content) <= _MAX_JSON else None
    except OSError as error:
        raise ModelError(f"{path} can't be read: {in_words(error)}") from None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ModelError(f"{path} is damaged, or no configuration: it holds no JSON object")
    return found


def check_configuration(configuration: Mapping[str, Any], arch: str) -> None:
    """Raises ModelError with the reason if the architecture `arch`, given by open_clip's
    configuration of it, can't be exported."""
    text = configuration.get("text_cfg")
    if not isinstance(text, Mapping) or not isinstance(configuration.get("vision_cfg"), Mapping):
        raise ModelError(
            f"{arch} has no configuration of two towers: it needs vision_cfg and text_cfg"
        )
    pooling = text.get("pool_type", "argmax")
    reason = None
    if text.get("hf_model_name"):
        reason = f"its text tower is {text['hf_model_name']}, not open_clip's own"
    elif "multimodal_cfg" in configuration or text.get("embed_cls"):
        reason = "it is a CoCa model"
    elif not text.get("hf_tokenizer_name") and text.get("vocab_size", CLIP) != CLIP:
        reason = f"its vocabulary has {text['vocab_size']} tokens, not CLIP's {CLIP}"
    elif pooling not in POOLINGS:
        reason = f"its text tower is read in another way ({pooling})"
    else:
        try:
            check_tokenizer(text)
        except ModelError as error:
            reason = str(error)
    if reason:
        raise ModelError(f"{arch} is not supported: {reason}")


def _configurations_directory() -> str:
    package = importlib.util.find_spec("open_clip")
    if package is None or package.origin is None:
        raise ModelError(conversion_needs() or "open_clip has no files of its own")
    return os.path.join(os.path.dirname(package.origin), "model_configs")
