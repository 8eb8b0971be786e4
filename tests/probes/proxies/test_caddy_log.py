"""Which part of Caddy's log the engine is asked for."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, timedelta
from typing import Any

import pytest

from stackproof.environment.loader import load
from stackproof.probes.containers.inspect import Inspection
from stackproof.probes.declaration import Target
from stackproof.probes.proxies.caddy_log import caddy_errors
from stackproof.unobserved import UnobservedError
from tests.command_line import ROOT
from tests.faults import snapshots

PROXIES = Target(load("proxies", ROOT / "environments", {}, offline=True), "caddy")
CADDY = snapshots.read(snapshots.healthy("proxies")).containers["caddy"]
SERVING = '{"level":"info","msg":"serving initial configuration"}'
FAILED = '{"level":"error","logger":"tls","msg":"no key","error":"of an earlier run"}'


class Engine:
    """Stands for an engine: when it notes the start of a program cannot be arranged."""

    def __init__(self, *lines: tuple[float, str]) -> None:
        """Store lines, each with how many seconds after the noted start it was logged."""
        self._lines = lines

    def call(self, request: Callable[["Engine"], Any]) -> Any:
        return request(self)

    def stream(self, _path: str, _limit: int, query: Mapping[str, float]) -> Iterator[bytes]:
        for seconds, line in self._lines:
            at = CADDY.started_at + timedelta(seconds=seconds)
            if at.timestamp() >= query["since"]:
                yield f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ} {line}\n".encode()


def _errors(*lines: tuple[float, str]) -> list[str]:
    engine: Any = Engine(*lines)
    return [each.line for each in caddy_errors.observe(PROXIES, engine, Inspection(CADDY, False))]


def test_a_busy_engine_notes_the_start_after_the_first_lines() -> None:
    assert _errors((-0.5, SERVING)) == []


def test_errors_of_an_earlier_run() -> None:
    assert _errors((-5, FAILED), (0.1, SERVING)) == []
    assert _errors((0.1, SERVING), (1, FAILED)) == ["tls: no key: of an earlier run"]


def test_a_log_that_is_somewhere_else() -> None:
    with pytest.raises(UnobservedError, match="has not logged to its container's output"):
        _errors((-3600, SERVING))
