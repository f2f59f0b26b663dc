"""Groups of pictures that are the same, nearly the same, or of one burst, and what of them is
marked for the trash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gio, GLib

from grid import dates
from grid.item import Item

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus.service import Values

EXACT, NEAR, BURST = KINDS = ("exact", "near", "burst")
_GROUPS = 25  # on a page
_FILES = 100  # on a page, about
_MOST = 40  # files of a group on a page
_SECOND = 10**9  # nanoseconds


class File(Item):
    """A picture of a group. `version` is that of its file when it was compared."""

    __gtype_name__ = "CsearchDuplicate"

    def __init__(self, told: Values) -> None:
        super().__init__(told["path"])
        self.size: int = told["size"]  # of its file, in bytes
        self.version = self.size, told["mtime_ns"]
        self.pixels = told.get("width", 0), told.get("height", 0)
        self.day = dates.day(told["taken"]) if told.get("taken") else _day(told["mtime_ns"])


class Group:
    """Its first file is the one to keep, unless it is a burst."""

    def __init__(self, told: Values) -> None:
        self.kind: str = told["kind"]
        self._files = [File(one) for one in told["files"]]
        # Of copies, one is enough. The shots of a burst differ, and so do a camera's raw file and
        # what was made of it: somebody has to choose.
        differ = self.kind == BURST or len({_is_raw(file) for file in self._files}) > 1
        self.marked = set() if differ else {file.path for file in self._files[1:]}
        self.gone: set[bytes] = set()  # moved to the trash

    @property
    def files(self) -> list[File]:
        """Those that are still there."""
        return [file for file in self._files if file.path not in self.gone]

    @property
    def shown(self) -> list[File]:
        """Those that are on the page."""
        return self.files[:_MOST]

    @property
    def best(self) -> File | None:
        """The one to keep."""
        return None if self.kind == BURST else self._files[0]

    @property
    def unwanted(self) -> list[File]:
        """Those on the page that are marked. Not all: one has to stay."""
        return [file for file in self.shown if file.path in self.marked] if self.kept else []

    @property
    def kept(self) -> list[File]:
        """Those that aren't marked."""
        return [file for file in self.files if file.path not in self.marked]


def of_kind(groups: Sequence[Group], kind: str) -> list[Group]:
    """Those that still have something to choose from."""
    return [group for group in groups if group.kind == kind and len(group.files) > 1]


def page(groups: Sequence[Group], first: int) -> list[Group]:
    """The groups from `first` on that are shown together."""
    found: list[Group] = []
    files = 0
    for group in groups[first : first + _GROUPS]:
        if found and files + len(group.shown) > _FILES:
            break
        found.append(group)
        files += len(group.shown)
    return found


def _is_raw(file: File) -> bool:
    """Whether it is a camera's raw file, by its name."""
    kind, _uncertain = Gio.content_type_guess(file.name, None)
    return bool(Gio.content_type_is_a(kind, "image/x-dcraw"))


def _day(changed: int) -> str:
    """When a file was changed (nanoseconds since 1970); "" for what no calendar has."""
    moment = GLib.DateTime.new_from_unix_local(changed // _SECOND) if changed > 0 else None
    return dates.day(moment.format("%Y-%m-%d")) if moment else ""
