"""Installs a model: `python -m csearchd.models.install NAME` downloads a published one,
`--import --arch ARCH --weights FILE` takes a local checkpoint, of an architecture that open_clip
doesn't know with `--config FILE` for `--arch ARCH`, and `--import PATH…` published ONNX files.

Progress goes to stderr, the result to stdout. The exit status is 0 if the model is installed, 2
after an error (one line on stderr), and 130 after an interrupt. What needs torch or open_clip is in
csearchd.models.export, which is imported only once every check that works without it has passed.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import errno
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from csearch.protocol.quoting import harmless
from csearch.protocol.system_errors import in_words
from csearchd.errors import ModelError
from csearchd.models import fetch
from csearchd.models.architectures import (
    Architecture,
    architecture_configuration,
    find_architecture,
    read_architecture,
)
from csearchd.models.assemble import staged, write_configuration
from csearchd.models.catalogue import (
    RECOMMENDED,
    UNKNOWN_LICENCE,
    Publication,
    known_licence,
    publication,
    recommendation,
    restriction,
)
from csearchd.models.hub.connection import Hub
from csearchd.models.hub.progress import elapsed
from csearchd.models.installed import Model, check_name, load_model, write_description
from csearchd.models.pytorch import conversion_needs
from csearchd.paths import standard_paths

if TYPE_CHECKING:
    from csearchd.models.conversion.sources import Source


@dataclass(frozen=True)
class Choice:
    """The published model that a name stands for."""

    name: str
    arch: str
    weights: str  # tag
    licence: str  # where its publisher states none
    publication: Publication | None  # for onnxruntime; None: a checkpoint in open_clip's table


def choose(name: str) -> Choice:
    """The model that `name` stands for: a recommended one, immich-app's ARCH__TAG, or open_clip's
    ARCH:TAG.

    Raises ModelError if there is no such model, or its architecture isn't supported.
    """
    entry = recommendation(name)
    if entry is not None:
        choice = Choice(entry.name, entry.arch, entry.weights, entry.licence, publication(name))
    elif (found := publication(name)) is not None:
        arch, _, weights = name.partition("__")
        return Choice(name, arch, weights, _licence(arch, "see its publisher"), found)
    else:
        arch, _, weights = name.partition(":")
        if not weights:
            raise ModelError(
                f"no model {name!r} is recommended{_similar(name)}; other models are called"
                " ARCHITECTURE:WEIGHTS as in open_clip, or ARCHITECTURE__WEIGHTS as immich-app's"
            )
        licence = _licence(arch, "see its publisher")
        choice = Choice(f"{arch}-{weights}", arch, weights, licence, None)
    if choice.publication is None:
        _check_conversion()
        find_architecture(choice.arch).check_supported()
    return choice


def _licence(arch: str, otherwise: str) -> str:
    """The licence of an architecture's weights; if it isn't known, that and `otherwise`."""
    known = known_licence(arch)
    return f"{known}: {otherwise}" if known == UNKNOWN_LICENCE else known


def _say_restriction(name: str, licence: str) -> None:
    if forbidden := restriction(licence):
        _say(f"{name}: its licence, {licence}, {forbidden}")


def _similar(name: str) -> str:
    """The recommended models whose names are like `name`, or all of them."""
    names = [entry.name for entry in RECOMMENDED]
    similar = difflib.get_close_matches(name, names, n=3)
    if similar:
        return f": did you mean {' or '.join(similar)}?"
    return f" ({', '.join(names)} are)"


def install_published(choice: Choice, models_dir: str, cache: str) -> Model:
    """Downloads, checks and converts a published model. Raises ModelError or OSError.

    The download is kept in the directory `cache` until the model is installed.
    """
    check_name(choice.name)
    with staged(models_dir, choice.name) as directory:
        hub = Hub.of_environment()
        hub.check_reachable()
        install = _install_checkpoint if choice.publication is None else _install_towers
        model = install(choice, hub, directory, models_dir, cache)
        write_description(model)
    shutil.rmtree(cache, ignore_errors=True)
    return load_model(os.path.join(models_dir, choice.name))


def _install_towers(choice: Choice, hub: Hub, directory: str, models_dir: str, cache: str) -> Model:
    """Fills `directory` with a model that is published for onnxruntime."""
    from csearchd.models.conversion.sources import find_source

    assert choice.publication is not None
    downloaded = fetch.download_model(hub, choice.publication, cache, models_dir, choice.licence)
    source = replace(find_source([downloaded.directory]), arch=choice.arch, weights=choice.weights)
    licence = downloaded.repository.licence or choice.licence
    _say_restriction(choice.name, licence)
    return replace(_convert(source, directory, choice.name, licence), source=downloaded.source)


def _install_checkpoint(
    choice: Choice, hub: Hub, directory: str, models_dir: str, cache: str
) -> Model:
    """Fills `directory` with a model whose checkpoint is in open_clip's table."""
    from csearchd.models.export import checkpoint, published

    entry = published.published_weights(choice.arch, choice.weights)
    downloaded = fetch.download_weights(
        hub, str(entry.get("hf_hub", "")), published.WEIGHTS_NAMES, cache, models_dir
    )
    licence = downloaded.repository.licence or choice.licence
    _say_restriction(choice.name, licence)
    weights = os.path.join(downloaded.directory, *downloaded.names)
    configuration = architecture_configuration(choice.arch)
    if entry.get("quick_gelu"):  # these weights were trained with it, unlike their architecture
        configuration["quick_gelu"] = True
    write_configuration(directory, configuration, published.preprocessing(entry))
    checkpoint.place_weights(weights, directory, link=True)
    model = _export(directory, choice.name, choice.arch, choice.weights, licence)
    return replace(model, source=downloaded.source)


def import_checkpoint(arch: Architecture, weights: str, name: str, models_dir: str) -> Model:
    """Copies, checks and exports the checkpoint file `weights`. Raises ModelError or OSError."""
    beside = os.path.dirname(os.path.abspath(weights))
    arch.check_supported(tokenizer=beside)
    if not os.path.isfile(weights):
        raise ModelError(
            f"{weights} is not a file" if os.path.exists(weights) else f"{weights} does not exist"
        )
    check_name(name)
    with staged(models_dir, name) as directory:
        from csearchd.models.export import checkpoint, published

        preprocessing = arch.preprocessing or published.usual_preprocessing(arch.name)
        write_configuration(directory, arch.configuration, preprocessing)
        licence = _licence(arch.name, "imported")
        _say_restriction(name, licence)
        _say(f"{name}: reading {weights}")
        checkpoint.place_weights(weights, directory, link=False)
        source = os.fsencode(os.path.basename(weights)).decode(errors="replace")
        _export(directory, name, arch.name, source, licence, tokenizer_source=beside)
    return load_model(os.path.join(models_dir, name))


def import_onnx(source: Source, name: str, models_dir: str) -> Model:
    """Makes a model of published ONNX towers. Raises ModelError or OSError."""
    check_name(name)
    with staged(models_dir, name) as directory:
        licence = _licence(source.arch, "imported")
        _say_restriction(name, licence)
        _convert(source, directory, name, licence)
    return load_model(os.path.join(models_dir, name))


def _convert(source: Source, directory: str, name: str, licence: str) -> Model:
    from csearchd.models.conversion.convert import convert_model

    with elapsed(f"{name}: checking, and converting both towers, which takes some minutes"):
        model = convert_model(source, directory, name=name, licence=licence)
    _say_text_tower(model, "the original's")
    return model


def _check_conversion() -> None:
    """Raises ModelError if packages that make a model of a checkpoint aren't installed."""
    if needed := conversion_needs():
        raise ModelError(needed)


def _export(
    directory: str, name: str, arch: str, weights: str, licence: str, tokenizer_source: str = ""
) -> Model:
    from csearchd.models.export.export import export_model

    with elapsed(f"{name}: checking, and exporting the towers, which takes some minutes"):
        model = export_model(
            directory,
            name=name,
            arch=arch,
            weights=weights,
            licence=licence,
            tokenizer_source=tokenizer_source,
        )
    _say_text_tower(model, "open_clip's")
    return model


def _say_text_tower(model: Model, other: str) -> None:
    kind = "8-bit weights" if model.text_quantised else "32-bit weights"
    _say(f"{model.name}: text tower with {kind}, cosine to {other} {model.text_cosine:.4f}")


def _say(text: str) -> None:
    print(harmless(text), file=sys.stderr, flush=True)


class _Parser(argparse.ArgumentParser):
    """argparse's own, whose complaints show what was typed without control characters."""

    def error(self, message: str) -> NoReturn:
        super().error(harmless(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="csearchctl model install", description=__doc__)
    parser.add_argument("names", nargs="*", help="a recommended model, or ARCH:TAG of open_clip's")
    parser.add_argument("--import", dest="imported", action="store_true")
    parser.add_argument("--arch", help="open_clip's name of the architecture")
    parser.add_argument("--config", help="file with open_clip's configuration of another one")
    parser.add_argument("--weights", help="checkpoint file: safetensors or PyTorch")
    parser.add_argument("--name", dest="own_name", help="what to call it; like FILE if not given")
    parser.add_argument("--models-dir", default=standard_paths().models)
    return parser


def _run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Model:
    if not options.imported:
        if len(options.names) != 1 or options.arch or options.weights or options.own_name:
            parser.error("give the name of one model; csearchctl model list shows them")
        cache = os.path.join(standard_paths().cache, "downloads")
        choice = choose(options.names[0])
        return install_published(choice, options.models_dir, os.path.join(cache, choice.name))
    name = options.own_name
    checkpoint = options.arch or options.config or options.weights
    if options.names and not checkpoint:
        from csearchd.models.conversion.sources import find_source

        source = find_source(options.names)
        return import_onnx(source, source.name if name is None else name, options.models_dir)
    if options.names or bool(options.arch) == bool(options.config) or not options.weights:
        parser.error("--import needs --arch or --config, and --weights; or ONNX files")
    _check_conversion()
    if name is None:
        name, _ = os.path.splitext(os.path.basename(options.weights))
    arch = read_architecture(options.config) if options.config else find_architecture(options.arch)
    return import_checkpoint(arch, options.weights, name, options.models_dir)


def main(arguments: Sequence[str] | None = None) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):  # so that they clean up as Ctrl-C does
        signal.signal(number, signal.default_int_handler)
    os.umask(0o077)  # only the user may read csearch's files
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        model = _run(options, parser)
    except ModelError as error:
        _say(f"csearchctl: {error}")
        return 2
    except OSError as error:
        where = error.filename2 or error.filename or options.models_dir
        remedy = ": make room and try again" if error.errno == errno.ENOSPC else ""
        _say(f"csearchctl: {where}: {in_words(error)}{remedy}")
        return 2
    except KeyboardInterrupt:
        _say("interrupted: nothing was installed; what was downloaded is kept")
        return 130
    with contextlib.suppress(BrokenPipeError):
        print(f"{model.name} is installed; to use it: csearchctl model use {model.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
