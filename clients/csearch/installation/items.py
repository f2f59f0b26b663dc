"""The table of files that can be installed, with their places."""

from __future__ import annotations

import os
import shutil
from typing import NamedTuple

import csearch
from csearch.directories import base
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable
from csearch.protocol.share import share_directory


class Item(NamedTuple):
    """A file of integrations/ or systemd/, and the place where it is installed."""

    source: str  # relative to share()
    target: str  # below $CONFIG or $DATA for a user; absolute if only root can install it
    needs: tuple[str, ...]  # programs; the file is of use if one of them is installed
    executable: bool = False

    @property
    def is_application(self) -> bool:
        return os.path.dirname(self.target) == "$DATA/applications"


# What a directory of the sources is for, as people call it.
_KINDS = {
    "systemd": "systemd units",
    "dbus": "D-Bus services",
    "krunner": "KRunner",
    "completions": "shell completions",
    "man": "manual pages",
    "nautilus": "Nautilus",
    "dolphin": "Dolphin",
    "window": "search window",
    "gnome-shell": "GNOME Shell",
}

_COMMANDS = ("csearch", "csearchctl")
_SYSTEMD = ("systemctl",)
_WINDOW = ("/usr/bin/python3",)
_BUS = ("dbus-daemon", "dbus-broker")

ITEMS = (
    Item("systemd/csearchd.service", "$CONFIG/systemd/user/csearchd.service", _SYSTEMD),
    Item("systemd/csearchd.socket", "$CONFIG/systemd/user/csearchd.socket", _SYSTEMD),
    Item(
        "systemd/csearchd-tagger.service", "$CONFIG/systemd/user/csearchd-tagger.service", _SYSTEMD
    ),
    Item(
        "integrations/dbus/org.csearch.Csearch1.service",
        "$DATA/dbus-1/services/org.csearch.Csearch1.service",
        _BUS,
    ),
    Item(
        "integrations/krunner/org.csearch.krunner.desktop",
        "$DATA/krunner/dbusplugins/org.csearch.krunner.desktop",
        ("krunner",),
    ),
    *(
        Item(
            "integrations/completions/csearch.bash",
            f"$DATA/bash-completion/completions/{command}",
            ("bash",),
        )
        for command in _COMMANDS
    ),
    *(
        Item(
            "integrations/completions/csearch.fish",
            f"$DATA/fish/vendor_completions.d/{command}.fish",
            ("fish",),
        )
        for command in _COMMANDS
    ),
    *(
        Item(f"integrations/man/{page}", f"$DATA/man/man{page[-1]}/{page}", ("man",))
        for page in (
            "csearch.1",
            "csearchctl.1",
            "csearch-config.5",
            "csearch-query.7",
            "csearch-tags.7",
            "csearchd.8",
        )
    ),
    Item("integrations/completions/_csearch", "$DATA/zsh/site-functions/_csearch", ("zsh",)),
    Item(
        "integrations/nautilus/csearch.py",
        "$DATA/nautilus-python/extensions/csearch.py",
        ("nautilus",),
    ),
    *(
        Item(
            f"integrations/dolphin/csearch-{name}.desktop",
            f"$DATA/kio/servicemenus/csearch-{name}.desktop",
            ("dolphin",),
            executable=True,
        )
        for name in ("similar", "like-these", "here")
    ),
    Item(
        "integrations/window/org.csearch.Window.desktop",
        "$DATA/applications/org.csearch.Window.desktop",
        _WINDOW,
    ),
    Item(
        "integrations/window/org.csearch.Window.service",
        "$DATA/dbus-1/services/org.csearch.Window.service",
        _WINDOW,
    ),
    Item(
        "integrations/window/org.csearch.Window.svg",
        "$DATA/icons/hicolor/scalable/apps/org.csearch.Window.svg",
        _WINDOW,
    ),
    Item(
        "integrations/window/org.csearch.Window-symbolic.svg",
        "$DATA/icons/hicolor/symbolic/apps/org.csearch.Window-symbolic.svg",
        _WINDOW,
    ),
    Item(
        "integrations/gnome-shell/org.csearch.search-provider.ini",
        "/usr/local/share/gnome-shell/search-providers/org.csearch.search-provider.ini",
        ("gnome-shell",),
    ),
)


def chosen(everything: bool) -> list[Item]:
    """All items, or those whose programs are installed."""
    return [item for item in ITEMS if everything or any(map(shutil.which, item.needs))]


def kind_of(path: str) -> str:
    """What an installed file is for."""
    for item in ITEMS:
        if target(item) == path:
            return _KINDS[os.path.basename(os.path.dirname(item.source))]
    return "older versions"


def for_root(item: Item) -> bool:
    return item.target.startswith("/")


def target(item: Item) -> str:
    """The absolute path at which an item is installed."""
    return item.target.replace("$CONFIG", base("XDG_CONFIG_HOME", "~/.config")).replace(
        "$DATA", base("XDG_DATA_HOME", "~/.local/share")
    )


def place_for_all(item: Item) -> str:
    """The absolute path at which a package of Debian's installs an item for all users."""
    path = item.target.replace("$CONFIG", "/usr/lib").replace("$DATA", "/usr/share")
    # zsh as Debian builds it doesn't read the other directory.
    path = path.replace("/zsh/site-functions/", "/zsh/vendor-completions/")
    return path.replace("/usr/local/", "/usr/")


def share() -> str:
    """The directory with integrations/ and systemd/: in the package, or beside it in a clone.

    Raises ClientError.
    """
    found = share_directory()
    if found is None:
        package = os.path.dirname(os.path.abspath(csearch.__file__))
        raise ClientError(
            f"{printable(package)}: systemd/ and integrations/ are missing; install csearch again"
        )
    return found
