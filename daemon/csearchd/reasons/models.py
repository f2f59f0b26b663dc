"""What is wrong with an installed model, or with what runs it."""

from __future__ import annotations

from csearchd.reasons import Template

NOT_INSTALLED = Template(
    "model-not-installed",
    "no model {name!r} is installed; installed are: {names}; csearchctl model list shows which "
    "others can be installed",
)

# Its files
NO_MODEL = Template("no-model-there", "{path} holds no model: it has no {name}")
UNREADABLE = Template("model-unreadable", "{path} can't be read: {reason}; {remedy}")
INVALID = Template("model-invalid", "{path} is damaged ({details}); {remedy}")
DAMAGED = Template("model-damaged", "{path} is damaged; {remedy}")
MISSING = Template("model-file-missing", "{path} is missing; {remedy}")
EMPTY = Template("model-file-empty", "{path} is empty; {remedy}")
NO_CHECKSUM = Template("model-without-checksum", "{path} has no checksum of {name}; {remedy}")
WRONG_ENTRY = Template(
    "model-wrong-entry", "{path}: {name} is missing or not of type {type}; {remedy}"
)
ENTRY_OUT_OF_RANGE = Template(
    "model-entry-out-of-range", "{path}: {name} must be from 1 to {limit}; {remedy}"
)
WRONG_FINGERPRINT = Template(
    "model-wrong-fingerprint", "{path}: fingerprint must be letters and digits"
)
TEXT_TOWER_DAMAGED = Template(
    "text-tower-damaged", "the text tower in {path} is damaged ({details}); {remedy}"
)
WRONG_WIDTH = Template(
    "text-tower-wrong-width", "{path} gives vectors of {width}, not {expected} numbers"
)

# What to do
INSTALL_AGAIN = Template("install-csearch-again", "install csearch again")
INSTALL_RECOMMENDED_AGAIN = Template(
    "install-recommended-again", "`csearchctl model install {name}` installs it again"
)
INSTALL_MODEL_AGAIN = Template(
    "install-model-again",
    "remove it with `csearchctl model remove {name}` and install it again",
)

# Running it
NOT_LOADED = Template("model-not-loaded", "the model in {path} cannot be loaded: {details}")
NOT_RUN = Template("model-not-run", "the model in {path} cannot be run: {details}")
NO_CONFIGURATION = Template(
    "model-without-configuration",
    "the model in {path} has no proper configuration ({details}); {remedy}",
)
TOWER_NOT_LOADED = Template("image-tower-not-loaded", "{path} cannot be loaded: {details}")
TOWER_OF_OTHER_WEIGHTS = Template(
    "image-tower-of-other-weights", "{path} was not made for the weights beside it"
)
NO_TORCH = Template("no-torch", "torch or open_clip cannot be imported: {details}")
NEEDS_TORCH = Template(
    "model-needs-torch",
    "the model {name} has no image.onnx, so reading pictures with it needs PyTorch: {command}",
)
TOWER_OR_TORCH = Template(
    "tower-or-torch", "{reason}; without it, reading pictures needs PyTorch: {command}"
)
GPU_NEEDS_TORCH = Template(
    "gpu-needs-torch",
    "encode.device is {device}, which needs onnxruntime-gpu in onnxruntime's place, or PyTorch: "
    "{command}",
)
NO_PROVIDER = Template(
    "no-provider",
    "encode.device is {device}, which needs onnxruntime-{device} in onnxruntime's place; the CPU "
    "computes",
)
GPU_NEEDS_PROVIDER = Template(
    "gpu-needs-provider",
    "the model {name} has no weights for PyTorch, so on a GPU it needs onnxruntime-gpu in "
    "onnxruntime's place; the CPU computes",
)
PROVIDER_NOT_LOADED = Template(
    "provider-not-loaded",
    "{device} can't be used: onnxruntime can't load its {provider}, for want of a library or "
    "driver; the CPU computes",
)
DEVICE_FAILED = Template(
    "device-failed", "{device} can't run this model ({details}); the CPU computes"
)
DEVICE_DIFFERS = Template(
    "device-differs",
    "{device} gives other vectors than the CPU (cosine {cosine}); the CPU computes",
)
DEVICE_SLOWER = Template(
    "device-slower",
    "{device} would take {theirs} ms for a picture, the CPU takes {ours} ms; the CPU computes",
)
DEVICE_LEFT = Template(
    "device-left",
    "{device} ended the encoder ({ending}), so the CPU computes; update its driver, then "
    '`csearchctl reload` tries it again, or set encode.device to "cpu"',
)
NO_ANSWER = Template("no-answer", "no answer for {seconds} s")
NO_GPU = Template("gpu-unusable", "the GPU can't be used ({details})")
