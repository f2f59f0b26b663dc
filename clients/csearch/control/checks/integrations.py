"""What csearchctl install has put there: still there, and of this environment?"""

from __future__ import annotations

from csearch.control.checks import OK, WARN, Finding, Findings
from csearch.errors import ClientError
from csearch.installing.manifest import load, read_file
from csearch.installing.plan import REMOVE, removal
from csearch.installing.render import command

_AGAIN = "csearchctl install"


def findings() -> Findings:
    try:
        manifest = load()
        ours = command()
    except ClientError as error:
        yield Finding(WARN, "integrations", str(error))
        return
    if not manifest.files:
        text = "none; csearchctl install starts the service with your session"
        yield Finding(OK, "integrations", text)
        return
    if missing := [path for path in manifest.files if read_file(path) is None]:
        yield Finding(WARN, "integrations", f"{missing[0]} has gone", _AGAIN)
    elif manifest.command != ours:
        text = f"they run {manifest.command}, but csearch is {ours} now"
        yield Finding(WARN, "integrations", text, f"{_AGAIN} puts them right")
    else:
        changed = sum(step.action != REMOVE for step in removal(manifest))
        text = f"{len(manifest.files)} files" + (f", {changed} of them changed" if changed else "")
        yield Finding(OK, "integrations", text)
