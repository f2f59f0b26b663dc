"""Checks the running service and its unit."""

from __future__ import annotations

import os
import sys
from importlib import metadata

from csearch import __version__
from csearch.connection import Connection
from csearch.control.checks import FAIL, OK, WARN, Finding, Findings
from csearch.launch import UNIT, installed_unit
from csearch.protocol.errors import ClientError, NotRunning
from csearch.protocol.wire import AddressError, socket_path


def findings() -> Findings:
    yield from _daemon()
    yield _unit()


def _daemon() -> Findings:
    try:
        connection = Connection(start=False)
        status = connection.call("status", verify=True)
    except NotRunning:
        yield Finding(OK, "service", "not running; a search starts it")
        return
    except ClientError as error:
        yield Finding(FAIL, "service", str(error))
        return
    version = connection.server["version"]
    text = f"running, process {connection.server['pid']}, model {status.get('model') or 'none'}"
    if version == __version__:
        yield Finding(OK, "service", text)
    else:
        advice = "csearchctl stop && csearchctl start"
        yield Finding(WARN, "service", f"{text}, of csearch {version}", advice)
    yield from _environment(int(connection.server["pid"]))
    if words := status.get("text"):
        known = (
            f"words in pictures are read ({words['read']:,} so far), in Latin, Chinese and Japanese"
            " script"
        )
        missing = status.get("text_reason")
        yield Finding(WARN if missing else OK, "text", missing or known)
    for note in status.get("notes") or []:
        yield Finding(WARN, "service", note)


def _environment(process: int) -> Findings:
    """Whether the service runs what is installed now, and where it is now."""
    restart = "csearchctl stop && csearchctl start"
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            python = os.fsdecode(file.read().split(b"\0")[0])
        started = os.stat(f"/proc/{process}").st_mtime
    except OSError:
        return  # it has just ended, or is hidden
    if not os.path.exists(python):
        text = f"it runs from an environment that was moved or deleted: {python}"
        yield Finding(WARN, "service", text, restart)
    elif os.path.dirname(python) != os.path.dirname(sys.executable):
        text = f"it runs from another environment ({python}) than this command ({sys.executable})"
        yield Finding(WARN, "service", text, restart)
    elif (installed := _installed()) and installed > started:
        text = "csearch was installed anew since the service started, which runs what was before"
        yield Finding(WARN, "service", text, restart)


def _installed() -> float | None:
    """When csearch was installed, in seconds since 1970; None if it runs from its sources."""
    try:
        record = metadata.distribution("csearch").locate_file(
            f"csearch-{metadata.version('csearch')}.dist-info/RECORD"
        )
        return os.stat(str(record)).st_mtime
    except (metadata.PackageNotFoundError, OSError):
        return None


def _unit() -> Finding:
    try:
        installed = installed_unit(socket_path())
    except AddressError as error:
        return Finding(FAIL, "systemd", str(error))
    if installed:
        return Finding(OK, "systemd", f"{UNIT} starts the service")
    return Finding(OK, "systemd", f"no {UNIT} in use; the first search starts the service")
