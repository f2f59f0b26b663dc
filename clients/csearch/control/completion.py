"""csearchctl completion: prints the script for a shell's completion."""

from __future__ import annotations

import argparse

from csearch.command import write
from csearch.installation.render import rendered_source

SCRIPTS = {
    "bash": "integrations/completions/csearch.bash",
    "zsh": "integrations/completions/_csearch",
    "fish": "integrations/completions/csearch.fish",
}

EXAMPLES = """
csearchctl completion fish | source        in ~/.config/fish/config.fish
eval "$(csearchctl completion bash)"       in ~/.bashrc
eval "$(csearchctl completion zsh)"        in ~/.zshrc, after compinit
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.add_argument("shell", choices=tuple(SCRIPTS), help="bash, zsh or fish")


def run(options: argparse.Namespace) -> int:
    write(rendered_source(SCRIPTS[options.shell]))
    return 0
