"""How high the rows of pictures are; kept in a file of the user's."""

from __future__ import annotations

import os

from gi.repository import GLib

_HEIGHTS = (120, 180, 260)  # pixels of the layout
_USUAL = 1
_GROUP, _KEY = "grid", "size"


class RowHeight:
    def __init__(self) -> None:
        self._file = os.path.join(GLib.get_user_config_dir(), "csearch", "window.ini")
        self._chosen = min(max(self._kept(), 0), len(_HEIGHTS) - 1)

    @property
    def pixels(self) -> int:
        return _HEIGHTS[self._chosen]

    def change(self, steps: int) -> None:
        """So many steps up, or down below 0; 0 is back to the usual one."""
        chosen = self._chosen + steps if steps else _USUAL
        chosen = min(max(chosen, 0), len(_HEIGHTS) - 1)
        if chosen != self._chosen:
            self._chosen = chosen
            self._keep()

    def _kept(self) -> int:
        keys = GLib.KeyFile()
        try:
            keys.load_from_file(self._file, GLib.KeyFileFlags.NONE)
            size: int = keys.get_integer(_GROUP, _KEY)
        except GLib.Error:  # there is none yet, or it is damaged
            return _USUAL
        return size

    def _keep(self) -> None:
        """Other groups in the file stay as they are. One that can't be written is of no account:
        the size lasts as long as the window."""
        keys = GLib.KeyFile()
        try:
            keys.load_from_file(self._file, GLib.KeyFileFlags.KEEP_COMMENTS)
        except GLib.Error:
            pass
        keys.set_integer(_GROUP, _KEY, self._chosen)
        try:
            os.makedirs(os.path.dirname(self._file), mode=0o700, exist_ok=True)
            keys.save_to_file(self._file)
        except (GLib.Error, OSError):
            pass
