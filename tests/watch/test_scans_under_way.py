"""What becomes of scans under way when a directory is listed beside them."""

from __future__ import annotations

import threading

from csearchd.library.listings import Listing
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
    scans.on_listed(Listing(b"/a", (), (b"kept", b"new"), b""), (b"/a",), by=None)
    assert above.remaining == [b"/a/kept/e", b"/a/new"]
    assert inside.remaining == [b"/a/b/c"]  # at its start it is asked whether it is to be read
    assert (beside.remaining, kept.remaining) == ([b"/x/b"], [b"/a/kept/e"])


def test_the_scan_that_has_listed_a_directory_goes_on() -> None:
    scans = Scans(threading.RLock())
    scan = begun(scans, b"/a", b"/a/b")
    scans.on_listed(Listing(b"/a/c", (), (), b""), (), by=scan)
    scans.on_listed(Listing(b"/", (), (b"a",), b""), (), by=None)
    assert scan.remaining == [b"/a/b"]


def test_what_was_asked_for_on_its_own_does_not_depend_on_what_is_above() -> None:
    scans = Scans(threading.RLock())
    root = begun(scans, b"/a/.hidden/root", b"/a/.hidden/root/x")
    inside = begun(scans, b"/a/.hidden/root/y", b"/a/.hidden/root/y/z")
    asked = begun(scans, b"/a/.private/2020", b"/a/.private/2020/x")
    listing = Listing(b"/a", (), (), b"", kept=(b".private",))
    scans.on_listed(listing, (b"/a", b"/a/.hidden/root"), by=None)
    assert root.remaining == [b"/a/.hidden/root/x"]
    assert inside.remaining == [b"/a/.hidden/root/y/z"]
    assert asked.remaining == [b"/a/.private/2020/x"]
