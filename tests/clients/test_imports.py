"""Commands are quick because they import little."""

from __future__ import annotations

import subprocess
import sys

from scripted_service import answering, hits

_SEARCH_AND_LIST = """
import sys
import csearch.command
from csearch.search.__main__ import main
sys.argv[1:] = ["dog"]
csearch.command.end = sys.exit
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""
SLOW = {
    "argparse",
    "asyncio",
    "enum",
    "re",
    "signal",
    "socket",
    "subprocess",
    "json",
    "shutil",
    "pathlib",
    "urllib",
    "logging",
    "dataclasses",
    "typing",
}


def test_a_search_imports_the_standard_library_and_msgpack(home, service):
    service(search=answering(hits(b"/p/a.jpg")))
    done = subprocess.run(
        [sys.executable, "-c", _SEARCH_AND_LIST], env=home.environment, capture_output=True
    )
    assert done.stdout == b"/p/a.jpg\n"
    before = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"],
        env=home.environment,
        capture_output=True,
    )
    imported = set(done.stderr.decode().split()) - set(before.stdout.decode().split())
    roots = {name.partition(".")[0] for name in imported}
    foreign = {name for name in roots - set(sys.stdlib_module_names) if "cython" not in name}
    assert foreign == {"csearch", "msgpack"}
    assert not roots & SLOW
