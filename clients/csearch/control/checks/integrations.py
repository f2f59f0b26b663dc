"""Checks that installed files are there and belong to this environment."""

from __future__ import annotations

from csearch.control.checks import OK, WARN, Finding, Findings
from csearch.installation import for_all, mime_types
from csearch.installation.items import ITEMS, target
from csearch.installation.manifest import Manifest, digest, load, read_file
from csearch.installation.plan import REMOVE, removal
from csearch.installation.render import command, rendered
from csearch.protocol.errors import ClientError

_AGAIN = "csearchctl install"


def findings() -> Findings:
    try:
        yield _installed()
    except ClientError as error:
        yield Finding(WARN, "integrations", str(error))


def _installed() -> Finding:
    """Raises ClientError."""
    manifest = load()
    if for_all.is_installed():
        if manifest.files:
            text = f"{next(iter(manifest.files))} hides what a package has installed for all users"
            return Finding(WARN, "integrations", text, f"{_AGAIN} removes your copies")
        text = "for all users, by the system's package; csearchctl install starts the service with "
        return Finding(OK, "integrations", f"{text}your session")
    if not manifest.files:
        text = "none; csearchctl install starts the service with your session"
        return Finding(OK, "integrations", text)
    if missing := [path for path in manifest.files if read_file(path) is None]:
        return Finding(WARN, "integrations", f"{missing[0]} is missing", _AGAIN)
    if manifest.command != command():
        text = f"they run {manifest.command}, but csearch is {command()} now"
        return Finding(WARN, "integrations", text, f"{_AGAIN} puts them right")
    if older := _older(manifest):
        text = f"{len(older)} files are from another version of csearch, such as {older[0]}"
        return Finding(WARN, "integrations", text, f"{_AGAIN} renews them")
    changed = sum(step.action != REMOVE for step in removal(manifest))
    text = f"{len(manifest.files)} files" + (f", {changed} of them changed" if changed else "")
    return Finding(OK, "integrations", text)


def _older(manifest: Manifest) -> list[str]:
    """Installed files that install would write with other content now. Raises ClientError."""
    return [
        path
        for item in ITEMS
        if (installed := manifest.files.get(path := target(item)))
        and installed != digest(rendered(item))
        and not _differs_in_types(path, rendered(item))
    ]


def _differs_in_types(path: str, content: bytes) -> bool:
    """Whether an installed file differs only in what follows the defaults of the session."""
    there = read_file(path) or b""
    return mime_types.without(there) == mime_types.without(content)
