"""Text-to-image retrieval on Flickr8k's dev photos, with a model as open_clip itself loads it.

    python tests/starter/evaluate.py MODEL_DIR DATA_DIR

Every one of the 5,000 captions is a query; its photo is ranked among the 1,000.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import open_clip
import photos
import torch
from PIL import Image


@torch.inference_mode()
def encode_images(
    model: torch.nn.Module, preprocess: object, paths: list[Path], batch: int = 100
) -> torch.Tensor:
    """Unit vectors of the photos, through open_clip's own preprocessing."""
    parts = []
    for start in range(0, len(paths), batch):
        images = [preprocess(Image.open(p)) for p in paths[start : start + batch]]  # type: ignore[operator]
        parts.append(model.encode_image(torch.stack(images), normalize=True))
    return torch.cat(parts).float()


@torch.inference_mode()
def encode_texts(
    model: torch.nn.Module, tokenizer: object, texts: list[str], batch: int = 250
) -> torch.Tensor:
    """Unit vectors of the texts, through open_clip's own tokenizer."""
    parts = [
        model.encode_text(tokenizer(texts[start : start + batch]), normalize=True)  # type: ignore[operator]
        for start in range(0, len(texts), batch)
    ]
    return torch.cat(parts).float()


def recall(texts: torch.Tensor, images: torch.Tensor, own: torch.Tensor) -> dict[str, float]:
    """Share of texts whose own image is among the first 1, 5 and 10."""
    likeness = texts @ images.T
    above = (likeness > likeness.gather(1, own[:, None])).sum(1)
    return {f"recall@{k}": round((above < k).float().mean().item(), 4) for k in (1, 5, 10)}


def evaluate(folder: Path, data: Path, split: str = "dev") -> dict[str, float | int]:
    """The figures of the model card."""
    source = f"local-dir:{folder.resolve()}"
    model, _, preprocess = open_clip.create_model_and_transforms(source)
    model.eval()
    tokenizer = open_clip.get_tokenizer(source)
    chosen = photos.flickr(data, split)
    images = encode_images(model, preprocess, [p.path for p in chosen])
    texts = encode_texts(model, tokenizer, [t for p in chosen for t in p.texts])
    own = torch.tensor([i for i, p in enumerate(chosen) for _ in p.texts])
    return {"photos": len(chosen), "captions": len(own), **recall(texts, images, own)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a directory in open_clip's local-dir form")
    parser.add_argument("data", type=Path, help="the data directory (flickr8k/ and so on)")
    args = parser.parse_args()
    print(json.dumps(evaluate(args.model, args.data)))


if __name__ == "__main__":
    main()
