"""The benchmark of robustness measures each distortion through the encoder, and draws it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from support.photos import write_photos

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "robustness.py"
NAMES = {"blur", "noise", "jpeg", "crop", "rotation", "grey", "darker", "brighter", "contrast"}
NAMES |= {"reduced", "watermark", "screenshot", "truncated"}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_distortions_cost_what_they_cost(tmp_path: Path) -> None:
    for name in ("cat", "rocket"):
        write_photos(tmp_path / "set" / name, (name,))
    plot, cache = tmp_path / "plot.svg", tmp_path / "cache"
    arguments = (tmp_path / "set", "--cache", cache, "--plot", plot)
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    found = report["distortions"]
    assert report["photos"] == 2 and found["none"]["top-1"] == 1.0
    assert set(found) == NAMES | {"none"}
    assert all(len(grades) >= 3 for name, grades in found.items() if name != "none")
    assert all(grade["unreadable"] == 0 for grade in found["blur"].values())
    assert report["table"].count("\n") == len(NAMES) + 2
    assert len(ElementTree.parse(plot).findall(".//{*}polyline")) == len(NAMES)
    again = run(*arguments)
    assert json.loads(again.stdout) == report and not again.stderr  # nothing was encoded again


def test_wrong_arguments_are_said(tmp_path: Path) -> None:
    done = run(tmp_path, "--photos", "0")
    assert done.returncode == 2 and "--photos" in done.stderr
    missing = run(tmp_path / "nothing")
    assert missing.returncode == 1 and missing.stderr.count("\n") == 1
