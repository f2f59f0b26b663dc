"""Runs the tagger in the test's process, with given tags and a real ledger."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.tags import ledger
from csearchd.tags.ledger import Outcome
from csearchd.tags.tagger import Tagger
from csearchd.watch.directory_listing import read_listing
from csearchd.watch.rules import Rules

MOST = 1 << 30


class Killed(BaseException):
    """Stands for the end of the tagger at a request that the test chooses."""


class Bench:
    """Takes the place of the daemon, without a socket."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.library = Library(str(directory / "library.sqlite"), str(directory))
        self.tagger = Tagger(self._ask, str(directory / "own"), MOST)
        self.reasons: dict[bytes, str] = {}
        self.kill_at: str | None = None  # the request at which the tagger is killed
        self.stop_after: int | None = None  # this many looks at whether it is to stop
        self._items: dict[int, dict[str, Any]] = {}

    def close(self) -> None:
        self.tagger.close()
        self.library.close()

    def write(
        self, carrier: str, words: list[str], *paths: Path, root: str = "csearch", model: str = "m"
    ) -> list[str]:
        """Tags files and returns the outcomes. `reasons` tells why some were skipped."""
        extra = {"words": words, "root": root, "model": model}
        return self._do("write", carrier, extra, paths)

    def give(
        self, carrier: str, *paths: Path, add: tuple[str, ...] = (), take: tuple[str, ...] = ()
    ) -> list[str]:
        """Writes words that the user chose, or takes them back, and returns the outcomes."""
        return self._do("give", carrier, {"add": add, "take": take, "root": "csearch"}, paths)

    def undo(self, carrier: str, *paths: Path) -> list[str]:
        return self._do("undo", carrier, {}, paths)

    def entry(self, carrier: str, path: Path) -> ledger.Entry | None:
        found = ledger.entries(self.library, [self._file(path)])
        return next((entry for entry in found if entry.carrier == carrier), None)

    def words(self, carrier: str, path: Path) -> list[str]:
        """The tags of csearch, according to the ledger."""
        entry = self.entry(carrier, path)
        return list(entry.record["words"]) if entry and entry.record else []

    def _file(self, path: Path) -> int:
        """The file's id in the library, which is updated from the disk before."""
        listing = read_listing(os.fsencode(path.parent), Rules(False, ()))
        assert listing is not None
        listings.apply(self.library, listing)
        with self.library.read() as database:
            (file,) = database.execute(
                "SELECT id FROM files WHERE directory = ? AND name = ?",
                (self.library.tree.find(os.fsencode(path.parent)), os.fsencode(path.name)),
            ).fetchone()
        return int(file)

    def _do(
        self, kind: str, carrier: str, extra: dict[str, Any], paths: tuple[Path, ...]
    ) -> list[str]:
        items = []
        for number, path in enumerate(paths):
            file = self._file(path)
            entry = self.entry(carrier, path)
            items.append(
                {
                    "item": number,
                    "file": file,
                    "kind": kind,
                    "path": os.fsencode(path),
                    "carrier": carrier,
                    "probe": False,
                    "row": entry.row if entry else None,
                    "record": entry.record if entry else None,
                    "intended": entry.intended if entry else None,
                    **extra,
                }
            )
        self._items = {item["item"]: item for item in items}
        self._outcomes: dict[int, str] = {}
        self.tagger.do(items, self._is_stopped)
        return [self._outcomes[item["item"]] for item in items]

    def _is_stopped(self) -> bool:
        if self.stop_after is None:
            return False
        self.stop_after -= 1
        return self.stop_after < 0

    def _ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        if op == self.kill_at:
            self.kill_at = None
            raise Killed
        if op == "tags-known":
            entry = ledger.by_mark(self.library, arguments["mark"])
            if entry is None:
                return {"row": None, "record": None}
            return {"row": entry.row if entry.file is None else None, "record": entry.record}
        outcomes = [self._outcome(entry) for entry in arguments["entries"]]
        if op == "tags-intend":
            return {"rows": ledger.intend(self.library, outcomes)}
        ledger.settle(self.library, outcomes)
        for entry in arguments["entries"]:
            self._outcomes[entry["item"]] = entry["outcome"]
            if entry["reason"]:
                self.reasons[self._items[entry["item"]]["path"]] = entry["reason"]
        return {}

    def _outcome(self, entry: dict[str, Any]) -> Outcome:
        item = self._items[entry["item"]]
        return Outcome(
            item["file"], item["path"], item["carrier"], entry["row"], entry["record"], None, None
        )
