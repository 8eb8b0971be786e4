"""A connection to a fake engine."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from stackproof.engine.connection import Connection, connect
from stackproof.environment.machine import Engine
from tests.engine.fake_engine import Answer, FakeEngine, fake_engine

Serve = Callable[[Callable[[], Answer]], AbstractContextManager[tuple[Connection, FakeEngine]]]
NO_CONTAINERS: Answer = (200, {"Api-Version": "1.41"}, b"[]")


@pytest.fixture
def served(tmp_path: Path) -> Serve:
    """Connects to a fake engine that gives the same answer to every call but the first."""

    @contextmanager
    def serve(answer: Callable[[], Answer]) -> Iterator[tuple[Connection, FakeEngine]]:
        first = [NO_CONTAINERS]
        with fake_engine(tmp_path, lambda _: first.pop() if first else answer()) as engine:
            connection = connect(Engine(address=engine.address))
            assert connection.list_containers().value == []
            yield connection, engine

    return serve
