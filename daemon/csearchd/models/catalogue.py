"""The models that csearch recommends: where they are published, and what is known of them.

Sizes are estimates from the numbers of parameters, which open_clip's configurations determine; the
hub's own are said before a download. Figures are the publishers': ACCURACY_SOURCE names where they
stand. Licences are those on the publishers' pages.

MobileCLIP2 is not among them, since its licence allows research alone; its checkpoints can be
imported.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

_OPEN_CLIP = "https://github.com/mlfoundations/open_clip/blob/main/docs/openclip_results.csv"
_RETRIEVAL = (
    "https://github.com/mlfoundations/open_clip/blob/main/docs/openclip_retrieval_results.csv"
)
_SIGLIP2 = "https://arxiv.org/abs/2502.14786"
_PE = "https://arxiv.org/abs/2504.13181"
_IMMICH = "https://github.com/immich-app/immich/blob/main/docs/docs/features/searching.md"
ACCURACY_SOURCE = (
    f"{_OPEN_CLIP}, {_RETRIEVAL}, {_SIGLIP2} (SigLIP2), {_PE} (PE), and {_IMMICH} for German"
    " captions, where the figure is the mean of R@1, 5 and 10, and ViT-B-32 of laion2b_s34b_b79k"
    " has 37 %"
)
GEMMA_TOKENIZER = 34_000_000  # bytes, of 256,000 pieces


class Form(enum.Enum):
    """How a model is published (csearchd.models.hub.forms)."""

    IMMICH = "immich"  # both towers for onnxruntime, with their tokenizer
    RCLIP = "rclip"  # both towers for onnxruntime, in a folder of one repository
    CHECKPOINT = "checkpoint"  # open_clip's weights, which are exported with PyTorch


@dataclass(frozen=True)
class Publication:
    """Where a model is published on the hub."""

    form: Form
    repository: str
    folder: str = ""  # in the repository
    revision: str | None = None  # a commit, where only that is accepted
    checksums: Mapping[str, str] = field(default_factory=dict)  # sha256 by file, where known


@dataclass(frozen=True)
class Recommendation:
    """One model that `csearchctl model install NAME` can fetch."""

    name: str
    arch: str  # open_clip's names of the architecture
    weights: str  # and of the weights
    licence: str
    publication: Publication
    image_parameters: int
    image_tokens: int  # patches that the image tower makes of a picture
    text_parameters: int
    languages: str
    accuracy: float  # zero-shot top-1 on ImageNet-1k, 0 to 1
    page: str  # where the weights come from, with licence and model card
    remark: str
    retrieval: float | None = None  # R@1 on COCO, text to image, 0 to 1
    tokenizer: int = 0  # bytes to download

    @property
    def form(self) -> Form:
        return self.publication.form

    @property
    def parameters(self) -> int:
        return self.image_parameters + self.text_parameters

    @property
    def operations(self) -> float:
        """Floating-point operations of the image tower for one picture: every parameter is
        multiplied with every token, and the product added."""
        return 2.0 * self.image_parameters * self.image_tokens

    @property
    def download(self) -> int:
        """Bytes to download: 32-bit weights."""
        return 4 * self.parameters + self.tokenizer

    @property
    def disk(self) -> int:
        """Bytes installed: 8-bit weights, and the checkpoint if it was made from one."""
        checkpoint = 4 * self.parameters if self.form is Form.CHECKPOINT else 0
        return checkpoint + self.parameters + self.tokenizer

    @property
    def peak(self) -> int:
        """Bytes that are needed while it is installed: besides these, a tower in 32 bits."""
        tower = 4 * max(self.image_parameters, self.text_parameters)
        if self.form is Form.CHECKPOINT:  # which is a link to what was downloaded
            return self.disk + tower
        return self.download + self.disk + tower


def _immich(name: str) -> Publication:
    return Publication(Form.IMMICH, f"immich-app/{name}")


MANY = "many (trained on texts in 109)"

RECOMMENDED = (
    Recommendation(
        name="ViT-B-32-SigLIP2-256",
        arch="ViT-B-32-SigLIP2-256",
        weights="webli",
        licence="Apache-2.0",
        publication=_immich("ViT-B-32-SigLIP2-256__webli"),
        image_parameters=94_552_320,
        image_tokens=64,
        text_parameters=282_303_746,
        tokenizer=GEMMA_TOKENIZER,
        languages=MANY,
        accuracy=0.740,
        retrieval=0.472,
        page="https://huggingface.co/timm/ViT-B-32-SigLIP2-256",
        remark="recommended: fast without a GPU, and finds in many languages (German captions:"
        " 84 %, an English model's 37 %; Greek, Hebrew and Arabic are weaker)",
    ),
    Recommendation(
        name="ViT-B-16-SigLIP2",
        arch="ViT-B-16-SigLIP2",
        weights="webli",
        licence="Apache-2.0",
        publication=_immich("ViT-B-16-SigLIP2__webli"),
        image_parameters=92_884_224,
        image_tokens=196,
        text_parameters=282_303_746,
        tokenizer=GEMMA_TOKENIZER,
        languages=MANY,
        accuracy=0.782,
        retrieval=0.521,
        page="https://huggingface.co/timm/ViT-B-16-SigLIP2",
        remark="sees finer detail (German captions: 86 %); encoding takes about three times as"
        " long as with ViT-B-32",
    ),
    Recommendation(
        name="ViT-L-16-SigLIP2-256",
        arch="ViT-L-16-SigLIP2-256",
        weights="webli",
        licence="Apache-2.0",
        publication=_immich("ViT-L-16-SigLIP2-256__webli"),
        image_parameters=315_956_224,
        image_tokens=256,
        text_parameters=565_570_562,
        tokenizer=GEMMA_TOKENIZER,
        languages=MANY,
        accuracy=0.825,
        page="https://huggingface.co/timm/ViT-L-16-SigLIP2-256",
        remark="the most accurate in many languages (German captions: 89 %); for machines with a"
        " GPU and onnxruntime-gpu",
    ),
    Recommendation(
        name="PE-Core-L-14-336",
        arch="PE-Core-L-14-336",
        weights="meta",
        licence="Apache-2.0",
        publication=Publication(Form.CHECKPOINT, "timm/PE-Core-L-14-336"),
        image_parameters=317_152_256,
        image_tokens=577,
        text_parameters=353_986_561,
        languages="English",
        accuracy=0.835,
        retrieval=0.571,
        page="https://huggingface.co/timm/PE-Core-L-14-336",
        remark="the most accurate in English; for machines with a GPU",
    ),
    Recommendation(
        name="PE-Core-B-16",
        arch="PE-Core-B-16",
        weights="meta",
        licence="Apache-2.0",
        publication=Publication(Form.CHECKPOINT, "timm/PE-Core-B-16"),
        image_parameters=93_673_984,
        image_tokens=197,
        text_parameters=353_986_561,
        languages="English",
        accuracy=0.784,
        retrieval=0.509,
        page="https://huggingface.co/timm/PE-Core-B-16",
        remark="sees finer detail; encoding takes about three times as long as ViT-B-32",
    ),
    Recommendation(
        name="PE-Core-S-16-384",
        arch="PE-Core-S-16-384",
        weights="meta",
        licence="Apache-2.0",
        publication=Publication(Form.CHECKPOINT, "timm/PE-Core-S-16-384"),
        image_parameters=23_783_168,
        image_tokens=576,
        text_parameters=63_405_057,
        languages="English",
        accuracy=0.727,
        page="https://huggingface.co/timm/PE-Core-S-16-384",
        remark="the smallest of these",
    ),
    Recommendation(
        name="ViT-B-32-256",
        arch="ViT-B-32-256",
        weights="datacomp_s34b_b86k",
        licence="MIT",
        publication=Publication(
            Form.RCLIP, "yurijmikhalevich/rclip-models", folder="ViT-B-32-256-datacomp_s34b_b86k"
        ),
        image_parameters=87_860_736,
        image_tokens=65,
        text_parameters=63_428_097,
        languages="English",
        accuracy=0.7281,
        retrieval=0.399,
        page="https://huggingface.co/laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
        remark="fast without a GPU, with a small text tower",
    ),
    Recommendation(
        name="ViT-B-32",
        arch="ViT-B-32",
        weights="datacomp_xl_s13b_b90k",
        licence="MIT",
        publication=Publication(Form.CHECKPOINT, "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K"),
        image_parameters=87_849_216,
        image_tokens=50,
        text_parameters=63_428_097,
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
        publication=Publication(Form.CHECKPOINT, "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K"),
        image_parameters=86_192_640,
        image_tokens=197,
        text_parameters=63_428_097,
        languages="English",
        accuracy=0.7349,
        page="https://huggingface.co/laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K",
        remark="sees finer detail; encoding takes about three times as long as with ViT-B-32",
    ),
    Recommendation(
        name="ViT-L-14",
        arch="ViT-L-14",
        weights="datacomp_xl_s13b_b90k",
        licence="MIT",
        publication=Publication(Form.CHECKPOINT, "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K"),
        image_parameters=303_966_208,
        image_tokens=257,
        text_parameters=123_650_305,
        languages="English",
        accuracy=0.7921,
        page="https://huggingface.co/laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K",
        remark="for machines with a GPU",
    ),
)
DEFAULT = RECOMMENDED[0]


def recommendation(name: str) -> Recommendation | None:
    """The recommended model called `name`, ignoring case; None if there is none."""
    return next((entry for entry in RECOMMENDED if entry.name.lower() == name.lower()), None)


def publication(name: str) -> Publication | None:
    """Where the model `name` is published for onnxruntime: a recommended one, or any of
    immich-app's by its name there, ARCH__WEIGHTS. None if it is neither."""
    if entry := recommendation(name):
        return None if entry.form is Form.CHECKPOINT else entry.publication
    return _immich(name) if "__" in name else None


UNKNOWN_LICENCE = "unknown"

_NOT_COMMERCIAL = "forbids commercial use"
_RESTRICTIONS = {
    # https://github.com/apple/ml-mobileclip/blob/main/LICENSE_weights_data
    "apple-amlr": "allows non-commercial research alone: no use in or for a product or service, and"
    " no commercial use",
    # https://creativecommons.org/licenses/
    "cc-by-nc-4.0": _NOT_COMMERCIAL,
    "cc-by-nc-sa-4.0": _NOT_COMMERCIAL + ", and asks that what is derived has the same licence",
    "cc-by-nc-nd-4.0": _NOT_COMMERCIAL + ", and passing on what is derived",
}
_LICENCES = {"mobileclip": "apple-amlr", "nllb-clip": "cc-by-nc-4.0"}  # by the first letters


def known_licence(arch: str) -> str:
    """The licence of all published weights of an architecture, so far as it restricts their use;
    else UNKNOWN_LICENCE."""
    known = (licence for name, licence in _LICENCES.items() if arch.lower().startswith(name))
    return next(known, UNKNOWN_LICENCE)


def restriction(licence: str) -> str | None:
    """What `licence`, as the hub calls it, forbids; None if nothing is known to be forbidden."""
    return _RESTRICTIONS.get(licence.lower())
