"""The words of the window, in the user's language."""

from __future__ import annotations

import gettext
import os

_LOCALES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "locale")
_translation = gettext.translation("csearch", _LOCALES, fallback=True)
_ = _translation.gettext
ngettext = _translation.ngettext


def number(count: int) -> str:
    """1234567 as 1,234,567, with the blank that fits every language."""
    return f"{count:,}".replace(",", "\u2009")
