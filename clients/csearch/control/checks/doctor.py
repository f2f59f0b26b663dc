"""csearchctl doctor: checks the installation. It never starts the daemon."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from csearch.command import print_out
from csearch.control.checks import (
    FAIL,
    OK,
    WARN,
    Finding,
    desktop,
    environment,
    installation,
    integrations,
    service,
)
from csearch.protocol.errors import CHECK_FAILED
from csearch.protocol.quoting import harmless
from csearch.show.terminal import Terminal

EXAMPLES = """
csearchctl doctor
"""

_STYLES = {OK: "32", WARN: "33", FAIL: "31"}
_SUBJECT_COLUMNS = 13


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = f"{options.description} Exit status: 0, or 1 if a check failed."


def run(options: argparse.Namespace) -> int:
    terminal = Terminal(1)
    failures = 0
    for finding in _findings():
        failures += finding.level == FAIL
        level = terminal.styled(f"{finding.level:4}", _STYLES[finding.level])
        print_out(f"{level}  {finding.subject:{_SUBJECT_COLUMNS}}  {harmless(finding.text)}")
        if finding.advice:
            print_out(f"{'':{_SUBJECT_COLUMNS + 6}}  → {harmless(finding.advice)}")
    return CHECK_FAILED if failures else 0


def _findings() -> Iterator[Finding]:
    yield from installation.findings()
    yield from environment.findings()
    yield from service.findings()
    yield from integrations.findings()
    yield from desktop.findings()
