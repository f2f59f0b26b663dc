from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from home import Home
from scripted_service import Handler, Service


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("h")) as someone:
        yield someone


@pytest.fixture
def service(home: Home) -> Iterator[Callable[..., Service]]:
    """Starts a scripted service where the commands look for one."""
    started = []

    def start(**handlers: Handler) -> Service:
        os.makedirs(os.path.dirname(home.socket), mode=0o700, exist_ok=True)
        started.append(Service(home.socket, **handlers))
        return started[-1]

    yield start
    for running in started:
        running.close()
