"""What becomes of scans under way when a directory is listed beside them."""

from __future__ import annotations

import threading

from csearchd.watch.scan import Scan, Scans


def begun(scans: Scans, path: bytes, *remaining: bytes) -> Scan:
    scan = scans.request(path, again=False, is_asked=False)
    scan.begun, scan.remaining = True, list(remaining)
    return scan


def test_scans_leave_out_what_is_excluded_meanwhile() -> None:
    scans = Scans(threading.RLock())
    above = begun(scans, b"/a", b"/a/b", b"/a/bc", b"/a/b/c/d", b"/a/kept/e", b"/a/new")
    inside = begun(scans, b"/a/b/c", b"/a/b/c/d/e")
    beside = begun(scans, b"/x", b"/x/b")
    kept = begun(scans, b"/a/kept", b"/a/kept/e")
    scans.on_listed(b"/a", {b"kept", b"new"}, by=None)
    assert above.remaining == [b"/a/kept/e", b"/a/new"]
    assert inside.remaining == [b"/a/b/c"]  # at its start it is asked whether it is to be read
    assert (beside.remaining, kept.remaining) == ([b"/x/b"], [b"/a/kept/e"])


def test_the_scan_that_has_listed_a_directory_goes_on() -> None:
    scans = Scans(threading.RLock())
    scan = begun(scans, b"/a", b"/a/b")
    scans.on_listed(b"/a/c", set(), by=scan)
    scans.on_listed(b"/", {b"a"}, by=None)
    assert scan.remaining == [b"/a/b"]
