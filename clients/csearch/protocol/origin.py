"""Where csearch was installed from, so that advice to install more of it can be followed.

csearch is no package of an index: `pip install csearch` would find none, or another one.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from importlib import metadata
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit

import csearch


def install_command(extra: str = "") -> str:
    """A command for a shell that installs csearch, with an extra of it, where it runs.

    It names what pip recorded (direct_url.json, see
    https://packaging.python.org/en/latest/specifications/direct-url/); where that is gone, the
    directory of a clone stands for it.
    """
    if _is_packaged():
        if extra:
            install = f"python3 -m venv .venv && .venv/bin/pip install {shlex.quote(f'.[{extra}]')}"
            return f"in a clone of csearch: {install}"
        return "sudo apt install --reinstall csearch"
    python = shlex.quote(sys.executable)
    install = f"{python} -m pip install"
    if not find_spec("pip"):  # uv's environments have none
        install = f"uv pip install --python {python}"
    options, origin = _origin()
    extras = f"[{extra}]" if extra else ""
    if origin is None:
        return f"in a clone of csearch: {install} {shlex.quote('.' + extras)}"
    named = f"csearch{extras} @ {origin}" if "://" in origin else f"{origin}{extras}"
    return f"{install} {options}{shlex.quote(named)}"


def _is_packaged() -> bool:
    """Whether csearch is from a package of Debian's, whose directory nobody else writes to. Then
    that is recorded as the installer (PEP 627)."""
    try:
        return metadata.distribution("csearch").read_text("INSTALLER") == "debian\n"
    except metadata.PackageNotFoundError:
        return False


def _origin() -> tuple[str, str | None]:
    """Options of pip, and the path or URL that csearch was installed from; None if it is unknown
    or gone."""
    try:
        recorded = json.loads(metadata.distribution("csearch").read_text("direct_url.json") or "")
        url = str(recorded["url"])
    except (metadata.PackageNotFoundError, ValueError, KeyError, TypeError):
        clone = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(csearch.__file__))))
        return "", clone if os.path.exists(os.path.join(clone, "pyproject.toml")) else None
    if vcs := recorded.get("vcs_info"):
        return "", f"{vcs.get('vcs', 'git')}+{url}"
    if not url.startswith("file:"):
        return "", url
    path = unquote(urlsplit(url).path)
    editable = (recorded.get("dir_info") or {}).get("editable")
    return "-e " if editable else "", path if os.path.exists(path) else None
