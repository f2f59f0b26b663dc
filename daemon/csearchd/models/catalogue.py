"""The models that csearch recommends, with their size, accuracy and licence.

Accuracy is zero-shot top-1 on ImageNet-1k as open_clip publishes it (ACCURACY_SOURCE); sizes are
those of the published weights. All were trained on English text alone.
"""

from __future__ import annotations

from dataclasses import dataclass

ACCURACY_SOURCE = "https://github.com/mlfoundations/open_clip/blob/main/docs/openclip_results.csv"


@dataclass(frozen=True)
class Recommendation:
    """One model that `csearchctl model install NAME` can fetch."""

    name: str
    arch: str  # open_clip's names of the architecture
    weights: str  # and of the weights
    licence: str  # as the publisher's page states it
    download: int  # bytes
    disk: int  # bytes, installed: the weights and the exported text tower
    languages: str
    accuracy: float  # 0 to 1
    page: str  # where the weights are published, with licence and model card
    remark: str


RECOMMENDED = (
    Recommendation(
        name="ViT-B-32-256",
        arch="ViT-B-32-256",
        weights="datacomp_s34b_b86k",
        licence="MIT",
        download=605_000_000,
        disk=672_000_000,
        languages="English",
        accuracy=0.7281,
        page="https://huggingface.co/laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
        remark="recommended: fast without a GPU, and nearly as good as ViT-B-16",
    ),
    Recommendation(
        name="ViT-B-32",
        arch="ViT-B-32",
        weights="datacomp_xl_s13b_b90k",
        licence="MIT",
        download=605_000_000,
        disk=672_000_000,
        languages="English",
        accuracy=0.6917,
        page="https://huggingface.co/laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
        remark="the fastest of these",
    ),
    Recommendation(
        name="ViT-B-16",
        arch="ViT-B-16",
        weights="datacomp_xl_s13b_b90k",
        licence="MIT",
        download=599_000_000,
        disk=666_000_000,
        languages="English",
        accuracy=0.7349,
        page="https://huggingface.co/laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K",
        remark="sees finer detail; encoding takes about three times as long",
    ),
    Recommendation(
        name="ViT-L-14",
        arch="ViT-L-14",
        weights="datacomp_xl_s13b_b90k",
        licence="MIT",
        download=1_710_000_000,
        disk=1_836_000_000,
        languages="English",
        accuracy=0.7921,
        page="https://huggingface.co/laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K",
        remark="the most accurate of these; for machines with a GPU",
    ),
)
DEFAULT = RECOMMENDED[0]


def recommendation(name: str) -> Recommendation | None:
    """The recommended model called `name`, ignoring case; None if there is none."""
    return next((entry for entry in RECOMMENDED if entry.name.lower() == name.lower()), None)
