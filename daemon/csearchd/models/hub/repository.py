"""What a repository of the hub holds: the files of one commit, with sizes and checksums."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from csearchd.errors import ModelError
from csearchd.models.hub.connection import Hub

_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class RemoteFile:
    """A file in a repository."""

    name: str  # its path there
    size: int  # bytes
    checksum: str  # hexadecimal: sha256 of a large file, of a small one the name that git gives it


@dataclass(frozen=True)
class Repository:
    """A repository at one commit."""

    name: str  # OWNER/NAME
    commit: str  # hexadecimal
    licence: str | None  # its SPDX-like name in lower case, as the owner states it
    files: Mapping[str, RemoteFile]  # by name

    @property
    def source(self) -> str:
        """What was read, for the record: REPOSITORY@COMMIT."""
        return f"{self.name}@{self.commit}"

    def path(self, file: RemoteFile) -> str:
        """Where the hub serves `file`, below its address."""
        return f"/{self.name}/resolve/{self.commit}/{quote(file.name)}"


def read_repository(hub: Hub, name: str, revision: str = "main") -> Repository:
    """The repository `name`, OWNER/NAME, at `revision`: a branch or a commit.

    Raises NetworkError, or ModelError if there is none, it can't be read, or the answer makes no
    sense.
    """
    if not _NAME.fullmatch(name):
        raise ModelError(f"{name!r} is no name of a repository: they are called OWNER/NAME")
    document = hub.get_json(f"/api/models/{name}/revision/{quote(revision, safe='')}?blobs=true")
    try:
        return _parsed(name, document)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{hub.address} describes {name} in a way that csearch can't read ({error!r}): check"
            " HF_ENDPOINT, or install a newer csearch"
        ) from None


def _parsed(name: str, document: Mapping[str, Any]) -> Repository:
    """Raises KeyError, TypeError or ValueError for a document that is none."""
    if not _COMMIT.fullmatch(document["sha"]):
        raise ValueError(document["sha"])
    files = [_file(entry) for entry in document["siblings"]]
    return Repository(
        name, document["sha"], _licence(document), {file.name: file for file in files}
    )


def _file(entry: Mapping[str, Any]) -> RemoteFile:
    name, large = entry["rfilename"], entry.get("lfs")
    if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(name)
    size = (large or entry)["size"]
    checksum = large["sha256"] if large else entry["blobId"]
    if type(size) is not int or size < 0:
        raise ValueError(size)
    if not (_SHA256 if large else _COMMIT).fullmatch(checksum):
        raise ValueError(checksum)
    return RemoteFile(name, size, checksum)


def _licence(document: Mapping[str, Any]) -> str | None:
    card = document.get("cardData")
    if not isinstance(card, Mapping):
        return None
    stated = card.get("license")
    if stated == "other":
        stated = card.get("license_name", stated)
    if isinstance(stated, list):
        stated = ", ".join(str(one) for one in stated)
    return stated if isinstance(stated, str) and stated.isprintable() else None
