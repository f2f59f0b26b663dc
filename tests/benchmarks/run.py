"""Runs the benchmarks of searching and reading, one after another.

    python tests/benchmarks/run.py BASE [--flickr8k DIR] [--quick] [--kept] [--readme]

writes BASE/results.json and BASE/plot.svg, and prints the table of README.md, which is beside this
file; `--readme` puts both there. Libraries of up to 1.28 million pictures are made below BASE,
once: 8 GB, and half an hour. `--quick` stops at 100,000. `--kept` takes what earlier runs have left
in BASE/results/, so that a run that was interrupted goes on. The machine should have nothing else
to do.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from plot import draw

HERE = Path(__file__).parent
README = HERE / "README.md"
BEGIN, END = "<!-- measured by tests/benchmarks/run.py -->", "<!-- until here -->"
PLOT = HERE / "plot.svg"


class Runs:
    """Runs benchmarks; what they print is kept in a directory, and may be taken from there."""

    def __init__(self, directory: Path, kept: bool) -> None:
        self._directory = directory
        self._kept = kept
        directory.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str, *arguments: object) -> dict[str, Any]:
        file = self._directory / f"{name}.json"
        if not (self._kept and file.exists()):
            print(f"{name}.py …", file=sys.stderr, flush=True)
            command = [sys.executable, str(HERE / f"{name}.py"), *map(str, arguments)]
            file.write_bytes(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        found: dict[str, Any] = json.loads(file.read_bytes())
        return found


def sized(results: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """The parts of a result that are of a size of library."""
    return {int(size): part for size, part in results.items() if size.isdigit()}


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


def table(results: dict[str, Any]) -> str:
    queries, footprint = sized(results["queries"]), sized(results["footprint"])
    lines = [
        "| pictures | " + " | ".join(f"{size:,}" for size in queries) + " |",
        "|---" * (len(queries) + 1) + "|",
    ]

    def row(name: str, cells: list[str]) -> None:
        lines.append(f"| {name} | " + " | ".join(cells) + " |")

    ours = [part["csearch"] for part in queries.values()]
    for name, key in (
        ("`csearch`, the same words (ms)", "same_words"),
        ("`csearch`, other words (ms)", "new_words"),
        ("… in a directory with a tenth (ms)", "in_a_tenth"),
        ("… `-t 1000` (ms)", "top_1000"),
        ('bare `python -c ""` (ms)', "bare_python"),
    ):
        row(name, [milliseconds(part[key]) for part in ours])
    row(
        "the service's part, p50 / p99 (ms)",
        [" / ".join(milliseconds(part["daemon"][p]) for p in ("p50", "p99")) for part in ours],
    )
    row(
        "32 clients at once, p99 (ms) / searches a second",
        [
            f"{milliseconds(part['32_clients']['p99'])} / "
            f"{part['32_clients']['searches_a_second']:.0f}"
            for part in ours
        ],
    )
    if all("rclip" in part for part in queries.values()):
        theirs = [part["rclip"] for part in queries.values()]
        row("rclip 3.3 `--no-indexing` (s)", [f"{part['seconds']:.1f}" for part in theirs])
        row(
            "csearch is faster by",
            [f"{b['seconds'] / a['new_words']:.0f}×" for a, b in zip(ours, theirs, strict=True)],
        )
        row("rclip's memory (MB)", [f"{part['peak_mb']:,}" for part in theirs])
    if set(footprint) >= set(queries):
        parts = [footprint[size] for size in queries]
        row("the service's memory, PSS (MB)", [f"{part['pss']:.0f}" for part in parts])
        row("… of it anonymous (MB)", [f"{part['anonymous']:.0f}" for part in parts])
        row("start to first answer (s)", [f"{part['start_to_answer']:.1f}" for part in parts])
    return "\n".join(lines)


def put_into_readme(text: str) -> None:
    readme = README.read_text()
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("base", type=Path)
    parser.add_argument("--flickr8k", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    base = options.base.resolve()
    sizes = [2000, 100_000] if options.quick else [2000, 100_000, 1_281_167]
    grown = [1000, 10_000, 100_000] if options.quick else [1000, 10_000, 100_000, 1_000_000]
    run = Runs(base / "results", options.kept)
    results = {
        "queries": run("queries", base, "--sizes", *sizes),
        "footprint": run("footprint", base, "--sizes", 1000, *sizes),
        "growth": run("growth", base, "--sizes", *grown),
        "recall": run("recall", *([options.flickr8k] if options.flickr8k else []), "--count",
                      sizes[-1]),
        "purge": run("purge"),
        "indexing": run("indexing", *(["--large", 40, "--small", 200] if options.quick else [])),
        "manners": run("manners"),
    }  # fmt: skip
    (base / "results.json").write_text(json.dumps(results, indent=2))
    text = table(results)
    picture = draw(sized(results["queries"]), sized(results["footprint"]))
    (base / "plot.svg").write_text(picture)
    if options.readme:
        put_into_readme(text)
        PLOT.write_text(picture)
    print(text)


if __name__ == "__main__":
    main()
