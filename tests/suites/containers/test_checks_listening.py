"""A service without a health check must accept connections, observed at real sockets."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stackproof.environment.services import Service
from stackproof.facts.response import Listening
from stackproof.finding import Finding
from stackproof.probes.http import listening
from stackproof.suites import test_health as suite
from stackproof.unobserved import UnobservedError
from tests import shop
from tests.shop import AT, container, health
from tests.suites.containers.test_checks_instances import finding_of

WEB = Service.model_validate({"name": "web", "ports": [80, 443], "listens": True})
OLD = container(started_at=AT - timedelta(hours=1), health=None)
FACTS = shop.facts(containers={})
REFUSED = "connection refused"


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """A port that accepts connections, and one that does not."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        yield server.getsockname()[1], other.getsockname()[1]


def test_ports_are_tried(ports: tuple[int, int]) -> None:
    accepts, refuses = ports
    connect = listening._connect_here
    found = listening._try(ports, lambda port: connect("127.0.0.1", port))
    assert found == Listening(open=(accepts,), closed={refuses: REFUSED})


def _check(found: Listening, of: Any = OLD) -> list[Finding]:
    warnings: list[Finding] = []
    suite.test_listens(WEB, of, found, FACTS, warnings.append)
    return warnings


def test_one_open_port_is_enough() -> None:
    assert _check(Listening(open=(80, 443))) == []
    (warning,) = _check(Listening(open=(80,), closed={443: REFUSED}))
    assert warning.headline == "web ports: expected open, observed 443 connection refused"


def test_no_port_is_open() -> None:
    closed = Listening(closed={80: REFUSED, 443: REFUSED})
    found = finding_of(suite.test_listens, WEB, OLD, closed, FACTS, print)
    assert found.headline == (
        "web ports: expected one that accepts connections, "
        "observed 80 connection refused, 443 connection refused"
    )


def test_a_service_that_starts_may_not_listen_yet() -> None:
    young = container(started_at=AT - timedelta(seconds=5), health=None)
    with pytest.raises(UnobservedError, match="it started 5 s ago: 80 connection refused"):
        _check(Listening(closed={80: REFUSED}), young)


def test_the_health_check_of_its_image_is_enough() -> None:
    assert _check(Listening(closed={80: REFUSED}), container(health=health("healthy"))) == []


def test_in_a_run(tmp_path: Path) -> None:
    environment = {"services": {"web": {"ports": [80], "listens": True}}}
    observed = shop.facts(
        containers={"web": OLD}, listening={"web": Listening(closed={80: REFUSED})}
    )
    ran = shop.replay(tmp_path, environment, observed, "-k", "listens")
    assert ran.results("shop") == {
        "health.listens[web]": (
            "FAIL",
            "web ports: expected one that accepts connections, observed 80 connection refused",
        )
    }
