"""What text towers of published sizes take: memory of the idle service, and a query's time.

    PYTHONPATH=tests python tests/benchmarks/text_towers.py BASE

prints JSON. The towers have random weights and the shapes of ViT-B-32-256, with CLIP's vocabulary,
and of SigLIP2-B, with a vocabulary of 256,000 pieces in Gemma's form. Image towers are small, since
the service doesn't hold them. The models are made below BASE, once, in some minutes; that takes up
to 6 GB of memory. PSS is in MB, of the restarted service with three pictures, a while after queries
with new words; `search` is the whole request, in ms, `query` the text tower and the tokenizer alone
in one thread, `tokens` the tokenizer alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from common import machine, memory, timed
from queries import figures, requests, settled

from csearchd.models.conversion.prompts import comparison_prompts
from csearchd.models.installed import load_model
from csearchd.models.text_tower import TextTower
from csearchd.models.tokenizer import load_tokenizer
from models.tiny_model import make_tiny_weights
from support.photos import write_drawn
from support.user import User, wait_for
from support.vocabularies import gemma, gemma_sized, publish

GOALS = {"ViT-B-32-256": 140, "SigLIP2-B": 200}  # MB
QUERIES = 30
COMPARED = 20  # of so many prompts one
IDLE_SECONDS = 15  # pages that were read are unmapped by then
_SMALL = {"image_size": 64, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16}


def configuration(arch: str) -> dict[str, Any]:
    """open_clip's of the architecture, with a small image tower."""
    import open_clip

    found: dict[str, Any] = open_clip.get_model_config(arch)
    return {**found, "vision_cfg": _SMALL}


def make(name: str, directory: Path) -> None:
    """Makes `directory` the model `name`, unless it is there."""
    if (directory / "model.toml").exists():
        return
    from csearchd.models.export import export

    # How near the vectors of random weights come in 8 bits says nothing: a few texts will do.
    export.comparison_prompts = lambda: comparison_prompts()[::COMPARED]

    shutil.rmtree(directory, ignore_errors=True)
    arch = "ViT-B-32-SigLIP2-256" if name == "SigLIP2-B" else name
    make_tiny_weights(str(directory), configuration(arch))
    tokenizer = directory.parent / f"{name}-tokenizer"
    if name == "SigLIP2-B":
        publish(gemma(gemma_sized()), tokenizer)
    export.export_model(
        str(directory),
        name=name,
        arch=arch,
        weights="random",
        licence="MIT",
        tokenizer_source=str(tokenizer),
    )


def times(directory: Path) -> dict[str, Any]:
    """ms, in a process of its own."""
    model = load_model(str(directory))
    tower, tokenizer = TextTower(model, 1), load_tokenizer(model)
    texts = [f"picture {number} of a yellow house by the sea" for number in range(QUERIES)]
    tower.embed(texts[:3])
    found = {
        "query": figures([1000 * timed(lambda text=text: tower.embed([text])) for text in texts]),
        "tokens": figures(
            [1000 * timed(lambda text=text: tokenizer.encode(text)) for text in texts]
        ),
    }
    return {
        **found,
        "tokens_of_a_text": len(tokenizer.encode(texts[0])),
        "8_bit": model.text_quantised,
        "cosine": model.text_cosine,
    }


def answers(user: User) -> bool:
    with user.connect() as client:
        client.socket.settimeout(600)
        answer = client.ask(op="search", query="a house", scopes=None, top=10, wait="none")
        return answer is not None and answer["type"] == "result"


def measure(name: str, models: Path, home: Path) -> dict[str, Any]:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    with User(home) as user:
        (user.data / "models").mkdir(parents=True)
        shutil.copytree(models / name, user.data / "models" / name)
        write_drawn(user.pictures, 3)
        user.start()
        user.search("anything", "--in", user.pictures)
        user.csearchctl("model", "use", name)
        wait_for(lambda: user.status()["model"] == name, "the model", 3600)
        settled(user)
        user.csearchctl("stop")
        user.start()
        # On a busy machine the words to compare scores with may take longer than an answer may.
        wait_for(lambda: answers(user), "the first answer", 3600)
        searches = requests(user, QUERIES, "thing", scopes=[os.fsencode(user.pictures)], top=10)
        wait_for(lambda: not user.pids("csearchd.encoder"), "no encoder", 3600)
        (pid,) = user.pids("csearchd")
        time.sleep(IDLE_SECONDS)
        return {
            **memory(pid),
            "goal": GOALS[name],
            "search": figures([1000 * seconds for seconds in searches]),
            **times(models / name),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("base", type=Path)
    base = parser.parse_args().base.resolve()
    found: dict[str, Any] = {}
    for name in GOALS:
        make(name, base / "models" / name)
        found[name] = measure(name, base / "models", base / "home")
    print(json.dumps({**found, **machine()}, indent=2))


if __name__ == "__main__":
    main()
