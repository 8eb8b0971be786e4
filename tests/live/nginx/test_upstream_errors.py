"""A failed route's first line quotes a real nginx."""

from collections.abc import Iterator

import pytest

from lab.engine.daemon import docker
from tests.live.nginx.proxied import NETWORK, Proxied
from tests.live.nginx.test_routed import RESOLVER, api, site

pytestmark = pytest.mark.live

REFUSED = "502: connect() failed (111: Connection refused) while connecting to upstream"


@pytest.fixture
def stopped(proxied: Proxied) -> Iterator[str]:
    """The address of a service that is stopped, until the test ends."""
    name = proxied.container("web")
    format_ = f'{{{{(index .NetworkSettings.Networks "{NETWORK}").IPAddress}}}}'
    address = docker("inspect", f"--format={format_}", name).strip()
    docker("stop", "--time=0", name)
    yield address
    docker("start", name)


def _status(proxied: Proxied, *checks: str) -> str:
    _, line = proxied.verify(" or test_".join(("status", *checks))).results("shop")[
        "routes.status[api]"
    ]
    return line.removeprefix("api status: expected 200, observed ")


def test_nothing_listens(proxied: Proxied) -> None:
    proxied.load(site(api("proxy_pass http://web:3999;")))
    line = _status(proxied, "log")
    assert line.startswith(f"{REFUSED} ")
    assert line.endswith(":3999")


def test_unresolved_name(proxied: Proxied) -> None:
    proxied.load(site(RESOLVER, api("set $u nobody:5000; proxy_pass http://$u;")))
    line = _status(proxied, "log")
    assert line == "502: nobody could not be resolved (3: Host not found)"


def test_stopped(proxied: Proxied, stopped: str) -> None:
    to_stopped = f"proxy_connect_timeout 1s; proxy_pass http://{stopped}:3000;"
    proxied.load(site(f"location / {{ {to_stopped} }}"))
    line = _status(proxied, "log")
    assert line.endswith(f" while connecting to upstream {stopped}:3000")


def test_only_routes_are_verified(proxied: Proxied) -> None:
    """Then nothing asks the engine."""
    proxied.load(site(api("proxy_pass http://web:3999;")))
    assert _status(proxied) == "502"
