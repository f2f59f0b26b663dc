"""The session bus: what desktops and other programs call, besides the socket.

Name `org.csearch.Csearch1`, started on demand (`csearchctl install` installs the file for that).
Three objects, each described by the XML file beside this module, which is what introspection
answers:

    /org/csearch/Csearch1        org.csearch.Csearch1: csearch's own interface
    /org/csearch/SearchProvider  org.gnome.Shell.SearchProvider2: the GNOME Shell overview
    /org/csearch/KRunner         org.kde.krunner1: KRunner

All ask the operations that the socket has (csearchd.requests), under the same names and with
the same fields. Paths are `ay`: a file name is bytes and need not be UTF-8.

Searches of one sender don't pile up: a newer one takes the place of the one under way, which then
ends with `org.csearch.Error.Cancelled` (the desktops' interfaces answer with nothing instead).

Errors are named `org.csearch.Error.` and the protocol's code, as in `NotFound` for `not-found`;
their text is meant for people. The reason's code and parameters can't be further arguments of the
error, since GLib drops the text then: a search has them in its result, where the option `errors`
asks for that.
"""
