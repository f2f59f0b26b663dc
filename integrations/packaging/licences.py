"""Prints the copyright file of a package: csearch's licence and those of what comes with it.

    licences.py LICENSE

Run by the Python of the environment that is packaged.
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

_HEAD = """\
csearch finds a photo by describing it. It is packaged from its own sources, with the packages from
the Python Package Index that it needs, as these were built by their projects.

csearch itself
--------------

"""
_PARTS = """
The image trunk of the starter model is under the Apache License 2.0
(/usr/share/common-licenses/Apache-2.0). In the directory of the environment
{site}
these files give the terms of data:

  csearchd/models/starter/MODEL_CARD.md                    the starter model
  csearchd/search/places/geonames/ATTRIBUTION.md           the table of places
  csearch/demo/photos/SOURCES.txt                          the photos of the demo

Packages that come with it
--------------------------

The files of each lie in the same directory. Where a package has texts of its licence, they are
named, relative to that directory.
"""
_AUTHORS = ("Author", "Author-email", "Maintainer-email")
_LICENCE_NAMES = ("LICEN", "COPYING", "NOTICE", "AUTHORS", "THIRDPARTY")


def main() -> None:
    own, site = Path(sys.argv[1]), Path(next(p for p in sys.path if p.endswith("-packages")))
    parts = [_HEAD, own.read_text()]
    parts.append(_PARTS.format(site=f"/{site.relative_to(_root(site))}"))
    others = [one for one in distributions(path=[str(site)]) if one.metadata["Name"] != "csearch"]
    parts += [_entry(one, site) for one in sorted(others, key=lambda one: one.metadata["Name"])]
    print("".join(parts), end="")


def _root(site: Path) -> Path:
    """The package's root, of which the environment is usr/lib/csearch."""
    return site.parents[5]


def _entry(distribution: Distribution, site: Path) -> str:
    """What is known of the licence of one package."""
    name = distribution.metadata["Name"]
    lines = [f"\n{name} {distribution.version}\n  licence: {_licence(distribution)}\n"]
    author = next(filter(None, (_told(distribution, field) for field in _AUTHORS)), "")
    if author:
        lines.append(f"  by {' '.join(author.split())}\n")
    for file in sorted(map(str, distribution.files or ())):
        name = file.rsplit("/", 1)[-1].upper().replace("-", "").replace("_", "")
        if name.startswith(_LICENCE_NAMES) and not name.endswith(".PY") and (site / file).exists():
            lines.append(f"  {file}\n")
    return "".join(lines)


def _licence(distribution: Distribution) -> str:
    """Its name: an SPDX expression, what the classifiers say, or the first line of a text."""
    if expression := _told(distribution, "License-Expression"):
        return expression
    classes = [
        kind.rsplit(" :: ", 1)[-1]
        for kind in distribution.metadata.get_all("Classifier") or ()
        if kind.startswith("License ::")
    ]
    named = _told(distribution, "License").strip().partition("\n")[0]
    return ", ".join(classes) or named or "see the files below"


def _told(distribution: Distribution, field: str) -> str:
    return str((distribution.metadata.get_all(field) or [""])[0])


if __name__ == "__main__":
    main()
