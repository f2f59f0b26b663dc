"""Fetches published models: what is to be downloaded, whether there is room, then the download.

It runs in a process that the user has asked for, the only one of the service's that opens the
network (csearchd.models.hub).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from csearch.protocol.quoting import harmless
from csearchd.errors import ModelError
from csearchd.models.catalogue import Form, Publication
from csearchd.models.hub import forms
from csearchd.models.hub.connection import Hub
from csearchd.models.hub.disk_space import check_space, conversion_room
from csearchd.models.hub.download import Wanted, download, missing_bytes
from csearchd.models.hub.repository import Repository, read_repository


@dataclass(frozen=True)
class Downloaded:
    """What was downloaded."""

    directory: str
    names: tuple[str, ...]  # paths of the files below it
    repository: Repository

    @property
    def source(self) -> str:
        """REPOSITORY@COMMIT."""
        return self.repository.source


def download_model(
    hub: Hub, publication: Publication, cache: str, models_dir: str, licence: str = "unknown"
) -> Downloaded:
    """Downloads both towers for onnxruntime into the directory `cache`, in immich-app's form
    (csearchd.models.hub.forms).

    Resumes an earlier attempt. Says licence and size on stderr before; `licence` is for a
    repository that states none. Raises NetworkError, or ModelError if the model isn't there, comes
    damaged, is another than the catalogue's, or there is no room for it in `cache` and for what is
    made of it in `models_dir`; or OSError.
    """
    repository = read_repository(hub, publication.repository, publication.revision or "main")
    if publication.form is Form.IMMICH:
        wanted = forms.immich_files(repository)
    else:
        wanted = forms.rclip_files(repository, publication.folder)
    for one in wanted:
        if publication.checksums.get(one.file.name, one.file.checksum) != one.file.checksum:
            raise ModelError(
                f"{repository.source} holds another {one.file.name} than csearch knows: install a"
                " newer csearch"
            )
    sizes = {"visual": 0, "textual": 0, forms.CONFIG: 0}
    for one in wanted:
        sizes[one.target.partition("/")[0]] += one.file.size
    needs = [(models_dir, conversion_room(sizes["visual"], sizes["textual"]))]
    downloaded = download_repository(hub, repository, wanted, cache, licence=licence, needs=needs)
    if publication.form is Form.RCLIP:
        forms.complete_rclip(cache)
    return downloaded


def download_weights(
    hub: Hub, location: str, default_names: Sequence[str], cache: str, models_dir: str
) -> Downloaded:
    """Downloads a checkpoint into the directory `cache`; like `download_model` in all else.

    `location` is REPOSITORY/FILE or REPOSITORY/; without FILE, it is the first of `default_names`
    that the repository has.
    """
    name, file = os.path.split(location)
    repository = read_repository(hub, name)
    wanted = forms.weights_file(repository, (file,) if file else tuple(default_names))
    size = wanted[0].file.size
    # The weights, which are a link where `cache` is on the same disk, both towers in 8 bits and
    # perhaps a part in float32, and while they are made a tower as it is.
    needs = [(models_dir, size // 2 + size)]
    if not _same_disk(cache, models_dir):
        needs.append((models_dir, size))
    return download_repository(hub, repository, wanted, cache, needs=needs)


def download_repository(
    hub: Hub,
    repository: Repository,
    wanted: Sequence[Wanted],
    cache: str,
    *,
    licence: str = "unknown",
    needs: Sequence[tuple[str, int]] = (),
) -> Downloaded:
    """Downloads these files of `repository` into the directory `cache`, once there is room for
    them, and for the bytes in other directories that `needs` names.

    `licence` is what to say where the repository doesn't state one.
    """
    missing = missing_bytes(wanted, cache)
    check_space([(cache, missing), *needs])
    total = sum(one.file.size for one in wanted)
    have = f", of which {(total - missing) / 1e6:.0f} are there" if missing < total else ""
    stated = harmless(repository.licence or licence)
    print(
        f"{repository.name}: downloading {total / 1e6:.0f} MB{have} (licence: {stated})",
        file=sys.stderr,
        flush=True,
    )
    download(hub, repository, wanted, cache)
    return Downloaded(cache, tuple(one.target for one in wanted), repository)


def _same_disk(one: str, other: str) -> bool:
    """Whether both directories, which may not exist yet, are on the same file system."""
    devices = set()
    for directory in (one, other):
        while not os.path.isdir(directory):
            directory = os.path.dirname(directory)
        devices.add(os.stat(directory).st_dev)
    return len(devices) == 1
