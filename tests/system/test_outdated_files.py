"""What earlier versions kept in the cache, and nothing reads any more, is deleted."""

from __future__ import annotations

from support.user import User


def test_the_places_of_earlier_versions_are_deleted(user: User) -> None:
    cache = user.home / ".cache" / "csearch"
    old = cache / "places-3.0.2-1"
    old.mkdir(parents=True)
    (old / "names.txt").write_text("Lisbon")
    kept = cache / "places"
    kept.write_text("of another program")
    user.start()
    assert not old.exists()
    assert kept.exists()
