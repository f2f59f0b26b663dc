"""The tagger's thread that reads messages reports its end, whatever ends it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from csearch.protocol.wire import Message
from csearchd.tags.__main__ import _Work


def test_an_error_that_nobody_thought_of_reaches_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def request(operation: str) -> Iterator[Message]:
        yield {"hits": []}
        raise RuntimeError("injected")

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    connection: Any = SimpleNamespace(request=request)
    work = _Work(connection)
    assert work.next() == {"hits": []}
    with pytest.raises(RuntimeError, match="injected"):
        work.next()
    assert work.is_stopped()
