"""Searches that share a scan: each gets its own scores, or its own error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from csearchd.library import scan
from csearchd.library.scan import VectorScanner, quantised
from support.user import wait_for

DIMENSIONS = 16
ROWS = 40_000  # more than a part of a scan: fewer are never shared

Numbers = NDArray[np.float32]
Codes = NDArray[np.int8]
Search = tuple[Codes, Numbers, Numbers]


def drawn(seed: int, rows: int = ROWS) -> tuple[Codes, Numbers]:
    random = np.random.default_rng(seed)
    codes = random.integers(-127, 128, (rows, DIMENSIONS), dtype=np.int8)
    return codes, random.random(rows, np.float32) + np.float32(0.5)


def query(seed: int) -> Numbers:
    return np.random.default_rng(seed).normal(size=DIMENSIONS).astype(np.float32)


def right(codes: Codes, scale: Numbers, asked: Numbers) -> Numbers:
    products = codes.astype(np.int64) @ quantised(asked).astype(np.int64)
    return products.astype(np.float32) * scale


class Shared:
    """A scanner in whose first scan all searches that come after it have to wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scanner = VectorScanner()
        self._hold = threading.Event()
        self._original = self.scanner._together
        monkeypatch.setattr(self.scanner, "_together", self._held)
        self.batches: list[int] = []

    def _held(self, batch: Any) -> Any:
        self.batches.append(len(batch))
        assert self._hold.wait(60)
        return self._original(batch)

    def ask(self, searches: list[Search]) -> list[Numbers | Exception]:
        """What each search gets. All but the first wait while that one is under way."""

        def one(search: Search) -> Numbers | Exception:
            try:
                return self.scanner.scores(*search)
            except Exception as error:
                return error

        with ThreadPoolExecutor(len(searches)) as threads:
            futures = [threads.submit(one, searches[0])]
            wait_for(lambda: self.batches, "the first scan")
            futures += [threads.submit(one, search) for search in searches[1:]]
            wait_for(lambda: len(self.scanner._waiting) == len(searches), "searches that wait")
            self._hold.set()
            return [future.result() for future in futures]


def check(answers: list[Numbers | Exception], searches: list[Search]) -> None:
    for answer, search in zip(answers, searches, strict=True):
        assert not isinstance(answer, Exception), answer
        assert np.allclose(answer, right(*search))


def views(kind: str) -> list[tuple[Codes, Numbers]]:
    """Arrays of the same shape that are easily taken for each other."""
    codes, scale = drawn(1, 2 * ROWS)
    orders = [np.random.default_rng(seed).permutation(2 * ROWS)[:ROWS] for seed in range(3)]
    if kind == "picked":
        return [(codes[order], scale[order]) for order in orders]
    if kind == "places":
        return [(codes[start : start + ROWS], scale[start : start + ROWS]) for start in (0, 5, 9)]
    if kind == "steps":
        return [(codes[::2], scale[::2]), (codes[:ROWS], scale[:ROWS]), (codes[1::2], scale[1::2])]
    if kind == "backwards":
        some = codes[:ROWS]
        return [(some, scale[:ROWS]), (some[::-1], scale[:ROWS]), (some, scale[:ROWS][::-1])]
    if kind == "columns":
        wide = np.random.default_rng(2).integers(-127, 128, (ROWS, 3 * DIMENSIONS), dtype=np.int8)
        narrow = [wide[:, :DIMENSIONS], wide[:, 5 : 5 + DIMENSIONS], wide[:, : 2 * DIMENSIONS : 2]]
        return [(some, scale[:ROWS]) for some in narrow]
    if kind == "by columns":
        return [(np.asfortranarray(codes[order]), scale[order]) for order in orders]
    assert kind == "scales"
    return [(codes[:ROWS], scale[order]) for order in orders]


KINDS = ("picked", "places", "steps", "backwards", "columns", "by columns", "scales")


@pytest.mark.parametrize("kind", KINDS)
def test_searches_of_different_rows_do_not_share_them(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    searches = [(*rows, query(seed)) for seed, rows in enumerate(views(kind) * 2)]
    check(Shared(monkeypatch).ask(searches), searches)


@pytest.mark.parametrize("kind", KINDS)
def test_few_rows_may_lie_in_any_way(kind: str) -> None:
    for codes, scale in views(kind):
        search = codes[:100], scale[:100], query(3)
        assert np.allclose(VectorScanner().scores(*search), right(*search))


def test_threads_with_different_filters_get_their_own_rows() -> None:
    codes, scale = drawn(1, 50_000)
    scanner = VectorScanner()

    def rounds(seed: int) -> int:
        random = np.random.default_rng(seed)
        wrong = 0
        for number in range(30):
            kept = np.sort(random.permutation(len(codes))[:ROWS])
            search = codes[kept], scale[kept], query(number)
            wrong += not np.allclose(scanner.scores(*search), right(*search))
        return wrong

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(rounds, range(3))) == [0, 0, 0]


def test_searches_of_the_same_rows_share_a_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, scale = drawn(1)
    shared = Shared(monkeypatch)
    searches = [(codes[:], scale[:], query(seed)) for seed in range(12)]
    check(shared.ask(searches), searches)
    assert shared.batches == [1, 8, 3]


def failing(
    monkeypatch: pytest.MonkeyPatch, name: str, fails: Callable[..., bool], error: Exception
) -> None:
    """Lets a function of the scan raise `error` where `fails` says so of its arguments."""
    original = getattr(scan.numkong, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        if fails(*arguments):
            raise error
        return original(*arguments, **options)

    monkeypatch.setattr(scan.numkong, name, wrapped)


def test_of_a_shared_scan_only_the_search_that_fails_gets_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes, scale = drawn(1)
    searches = [(codes, scale, query(seed)) for seed in range(5)]
    searches[3] = codes, scale, query(3)[:-1]  # of another model
    answers = Shared(monkeypatch).ask(searches)
    assert isinstance(answers.pop(3), ValueError)
    del searches[3]
    check(answers, searches)


def test_a_part_that_fails_costs_no_search_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel fails for the last part of what is shared, and for one search's own scan."""
    codes, scale = drawn(1)
    searches = [(codes, scale, query(seed)) for seed in range(5)]
    bad = quantised(searches[2][2])
    end = ROWS % 32768
    broken = RuntimeError("broken in the middle")
    failing(monkeypatch, "dots_packed", lambda rows, _: len(rows) == end, broken)
    failing(
        monkeypatch,
        "cdist",
        lambda asked, rows, _: len(rows) == end and (asked[0] == bad).all(),
        broken,
    )
    answers = Shared(monkeypatch).ask(searches)
    assert answers.pop(2) is broken
    del searches[2]
    check(answers, searches)


def test_memory_that_cannot_be_had_is_said_to_each(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, scale = drawn(1)
    shared = Shared(monkeypatch)

    def empty(*_: object) -> None:
        raise MemoryError

    searches = [(codes, scale, query(seed)) for seed in range(4)]
    with monkeypatch.context() as patch:
        patch.setattr(np, "empty", empty)
        answers = shared.ask(searches)
    assert [type(answer) for answer in answers] == [MemoryError] * 4
    search = codes, scale, query(9)
    assert np.allclose(shared.scanner.scores(*search), right(*search))
    assert not shared.scanner._waiting


def test_a_thread_that_is_interrupted_leaves_the_others_their_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What ends the thread that scans for all is no answer to them."""
    codes, scale = drawn(1)
    shared = Shared(monkeypatch)
    together, calls = shared.scanner._together, iter(range(100))

    def interrupted(batch: Any) -> Any:
        if next(calls) == 1:
            raise SystemExit
        return together(batch)

    monkeypatch.setattr(shared.scanner, "_together", interrupted)
    searches = [(codes, scale, query(seed)) for seed in range(4)]
    ended: list[type[BaseException]] = []

    def ask(search: Search) -> Numbers | None:
        try:
            return shared.scanner.scores(*search)
        except SystemExit as error:
            ended.append(type(error))
            return None

    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(ask, searches[0])]
        wait_for(lambda: shared.batches, "the first scan")
        futures += [threads.submit(ask, search) for search in searches[1:]]
        wait_for(lambda: len(shared.scanner._waiting) == 4, "searches that wait")
        shared._hold.set()
        answers = [future.result() for future in futures]
    assert ended == [SystemExit]
    for answer, search in zip(answers, searches, strict=True):
        assert answer is None or np.allclose(answer, right(*search))
