"""Fixtures: an environment whose routes lead to a flaky server."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from stackproof.environment.model import Environment
from tests.flaky_server import FlakyServer, flaky_server

Shop = Callable[..., Environment]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FlakyServer]:
    with flaky_server(tmp_path / "behaviour") as server:
        yield server


@pytest.fixture
def shop(server: FlakyServer) -> Shop:
    """Return a function that builds an environment with routes to the server or an address."""

    def build(number: int = 1, address: str = "", url: str = "") -> Environment:
        route: Mapping[str, object] = {
            "url": url or f"http://{address or server.address}/",
            "service": "api",
            "identity": {"fields": {"service": "api"}},
            "instance": {"field": "instance"},
        }
        return Environment.model_validate(
            {
                "name": "shop",
                "services": {"api": {}},
                "routes": {f"route-{n}": route for n in range(number)},
            }
        )

    return build
