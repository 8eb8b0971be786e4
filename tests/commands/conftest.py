"""A shop whose server has moods, and a probe of one route of it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from environments.model import Environment
from tests.commands.moody import Moody, moody

Shop = Callable[..., Environment]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Moody]:
    with moody(tmp_path / "mood") as server:
        yield server


@pytest.fixture
def shop(server: Moody) -> Shop:
    """A shop with this many routes, all of the moody server, or of `address`."""

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
