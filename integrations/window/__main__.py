"""The search window: `python3 integrations/window [--in DIR] [--like FILE]… [QUERY]`, or with
`--saved NAME` alone.

Runs in the desktop's own Python with GTK 4, without csearch's packages; it asks the service on the
session bus (org.csearch.Csearch1).
"""

from __future__ import annotations

import sys

NO_SCREEN = 2  # exit statuses: an error,
NO_TOOLKIT = 69  # and EX_UNAVAILABLE of sysexits.h


def main() -> int:
    try:
        import gi

        gi.require_version("Gdk", "4.0")
        gi.require_version("Gtk", "4.0")
        from gi.repository import Gdk

        from application import Application
    except (ImportError, ValueError) as error:
        print(f"csearch: the window needs GTK 4 for Python: {error}", file=sys.stderr)
        return NO_TOOLKIT
    if Gdk.Display.get_default() is None:
        print(
            "csearch: there is no screen here for the window; without --window results are shown "
            "in the terminal",
            file=sys.stderr,
        )
        return NO_SCREEN
    status: int = Application().run(sys.argv)
    return status


if __name__ == "__main__":
    sys.exit(main())
