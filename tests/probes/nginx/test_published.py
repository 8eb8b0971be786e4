"""The port on which nginx listens is not the one on which its container is published."""

from collections.abc import Mapping
from typing import Any

import pytest

from stackproof.environment.model import Environment
from stackproof.probes.nginx.published import listening_port


@pytest.mark.parametrize(
    ("url", "published", "port"),
    [
        ("http://shop.test:8480/a?b=c", {"8480": 80}, 80),
        ("http://shop.test/", {"80": 8080}, 8080),
        ("https://shop.test/", {"443": 8443, "80": 8080}, 8443),
        ("https://shop.test/", {"443": 443}, 443),
        ("http://[fd00::2]:8480/", {"8480": 80}, 80),
        ("http://[fd00::2]:8480/", {"[fd00::2]:8480": 80}, 80),
        # Of several addresses, the one that the request goes to; any, if there is one port.
        ("http://127.0.0.1:8480/", {"127.0.0.1:8480": 80, "10.0.0.1:8480": 81}, 80),
        ("http://localhost:8480/", {"127.0.0.1:8480": 80}, 80),
        ("http://shop.test:8480/", {"127.0.0.1:8480": 80, "[::1]:8480": 80}, 80),
        ("http://shop.test:8480/", {"127.0.0.1:8480": 80, "10.0.0.1:8480": 81}, 8480),
        # A load balancer, or another proxy: nginx is not published there.
        ("https://shop.test/", {"8480": 80}, 443),
        ("https://shop.test/", {"443/udp": 443}, 443),
        ("https://shop.test/", {}, 443),
    ],
)  # fmt: skip
def test_port(url: str, published: Mapping[str, int], port: int) -> None:
    assert listening_port(url, environment(), published) == port


def environment(**more: Any) -> Environment:
    services = {"proxy": {"publish": more.pop("publish", [])}}
    return Environment.model_validate(
        {"name": "shop", "services": services, "nginx": {"service": "proxy"}, **more}
    )


def test_the_port_that_is_connected_to_instead() -> None:
    resolve = {"*:443": "127.0.0.1:8443"}
    published = {"8443": 9443, "443": 1}
    assert listening_port("https://shop.test/", environment(resolve=resolve), published) == 9443


@pytest.mark.parametrize(
    ("publish", "port"),
    [
        (["8080:443"], 443),
        (["127.0.0.1:8080:443"], 443),
        (["8080"], 8080),
        (["8080:443/udp"], 8080),
    ],
)
def test_the_port_that_is_declared(publish: list[str], port: int) -> None:
    """Nothing is published where the client connects, such as on a load balancer."""
    its = environment(publish=publish)
    assert listening_port("https://shop.test:8080/", its, {}) == port
