"""Whether a package of the system has installed this environment for all users."""

from __future__ import annotations

from csearch.installation.items import ITEMS, place_for_all
from csearch.installation.manifest import read_file
from csearch.installation.render import rendered_for_all

REMOVAL = "sudo apt purge csearch"


def is_installed() -> bool:
    """Whether what the desktops and systemd find in the places of the system runs this environment,
    and does so for this user: units of a package don't know directories that XDG_CONFIG_HOME,
    XDG_DATA_HOME or XDG_CACHE_HOME name. Raises ClientError.
    """
    unit = ITEMS[0]
    there = read_file(place_for_all(unit))
    return there is not None and there == rendered_for_all(unit)
