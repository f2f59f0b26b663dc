"""Checks the running service and its unit."""

from __future__ import annotations

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
    if words := status.get("text"):
        known = f"words in pictures are read ({words['read']:,} so far)"
        missing = status.get("text_reason")
        yield Finding(WARN if missing else OK, "text", missing or known)
    for note in status.get("notes") or []:
        yield Finding(WARN, "service", note)


def _unit() -> Finding:
    try:
        installed = installed_unit(socket_path())
    except AddressError as error:
        return Finding(FAIL, "systemd", str(error))
    if installed:
        return Finding(OK, "systemd", f"{UNIT} starts the service")
    return Finding(OK, "systemd", f"no {UNIT} in use; the first search starts the service")
