"""What a window shows before anything is asked."""

from __future__ import annotations

import os
from datetime import date

from support.album import write_photo
from support.user import User, wait_for


def test_what_came_last_and_memories(user: User) -> None:
    today = date.today()
    years = [today.year - 1, today.year - 3]
    if (today.month, today.day) == (2, 29):
        years = [today.year - 4, today.year - 8]
    lisbon = (38.71, -9.14)
    memories = [
        write_photo(
            user.pictures / f"{year}.jpg",
            subject,
            taken=f"{year}:{today:%m:%d} 10:00:00",
            place=lisbon,
        )
        for year, subject in zip(years, ("cat", "coffee"), strict=True)
    ]
    other = write_photo(user.pictures / "other.jpg", "rocket", taken="2001:02:03 10:00:00")
    user.csearchctl("add", user.pictures)
    user.settle()
    user.search("a rocket", "-g")
    with user.connect() as client:
        home = client.ask(op="home")
        assert home["recent"] == [os.fsencode(path) for path in (*memories, other)]
        assert home["queries"] == ["a rocket"]
        told = client.ask(op="home", memories=True)
        assert told["days"] == [
            {"year": year, "paths": [os.fsencode(path)]}
            for year, path in zip(years, memories, strict=True)
        ]
        assert told["places"] == ["Lisbon, Portugal"]

        memories[0].unlink()
        assert client.ask(op="home")["recent"] == [os.fsencode(memories[1]), os.fsencode(other)]
        wait_for(
            lambda: len(client.ask(op="home", memories=True)["days"]) == 1, "the end of a memory"
        )
