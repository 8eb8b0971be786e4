"""A redirect to a port at which nothing answers fails, on routes and on the way to https."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.response import Response
from tests import shop
from tests.shop import answered

PLAIN, SECURE = "http://shop.example/", "https://shop.example/"
UPGRADE = {"url": PLAIN, "redirects": "same-host", "upgrade": "https", "status": [301]}
PUBLIC: dict[str, Any] = {"web": {"publish": [80, 443]}}
OTHER_PORTS: dict[str, Any] = {"web": {"publish": [8080, 8443]}}
AT_8080 = {**UPGRADE, "url": "http://shop.example:8080/"}
REFUSED = ("FAIL", "at a port that is published, observed 301 to ")


def _results(
    folder: Path, services: dict[str, Any], response: Response, **routes: Any
) -> dict[str, tuple[str, str]]:
    environment = {
        "services": services,
        "routes": {name: {"service": "web", **route} for name, route in routes.items()},
    }
    observed = shop.facts(responses={"web": response})
    ran = shop.replay(folder, environment, observed, "-k", "redirects[shop-web] or upgrade")
    return ran.results("shop")


def _moved(url: str, location: str) -> Response:
    return answered((url, 301, location))


@pytest.mark.parametrize(
    ("services", "route", "location"),
    [
        (PUBLIC, UPGRADE, SECURE),
        (PUBLIC, UPGRADE, "https://shop.example:443/cart"),
        (OTHER_PORTS, AT_8080, "https://shop.example:8443/"),
        ({"web": {"publish": ["8080:80", "8443:443"]}}, AT_8080, "https://shop.example:8443/"),
        ({"web": {"network_mode": "host", "ports": [8443]}}, UPGRADE, "https://shop.example:8443/"),
        ({"web": {}}, UPGRADE, SECURE),
    ],
)
def test_open(services: Any, route: Any, location: str, tmp_path: Path) -> None:
    response = _moved(route["url"], location)
    assert _results(tmp_path, services, response, web=route) == {}


@pytest.mark.parametrize(
    ("services", "route", "location"),
    [
        (PUBLIC, UPGRADE, "https://shop.example:8443/"),
        (OTHER_PORTS, AT_8080, SECURE),
        (OTHER_PORTS, AT_8080, "https://shop.example:8444/"),
        ({"web": {}}, UPGRADE, "https://shop.example:8443/"),
        (PUBLIC, UPGRADE, "https://shop.example:99999/"),
    ],
)
def test_closed(services: Any, route: Any, location: str, tmp_path: Path) -> None:
    results = _results(tmp_path, services, _moved(route["url"], location), web=route)
    assert results == {
        "routes.upgrade[web]": (
            "FAIL",
            "web upgrade to https: expected 301 or 308 to https at a port that is published, "
            f"observed 301 to {location}",
        ),
        "routes.redirects[web]": (
            "FAIL",
            "web redirects: expected to stay on shop.example, at a port that is published, "
            f"observed {route['url']} -> {location}",
        ),
    }


def test_a_port_of_a_declared_route(tmp_path: Path) -> None:
    """Something in front of the stack may listen there."""
    route = {"url": "https://shop.example:8443/"}
    response = _moved(PLAIN, "https://shop.example:8443/cart")
    assert _results(tmp_path, PUBLIC, response, web=UPGRADE, other=route) == {}


def test_a_port_that_answered(tmp_path: Path) -> None:
    response = answered(
        (PLAIN, 301, "https://shop.example:8443/"), ("https://shop.example:8443/", 200)
    )
    route = {**UPGRADE, "follow_redirects": True, "status": [200]}
    assert _results(tmp_path, PUBLIC, response, web=route) == {}


@pytest.mark.parametrize(
    ("publish", "reason"),
    [
        ([80], "no service publishes 443, but a load balancer may: declare a route with "
               "https://shop.example/"),
        (["any:80"], "the engine decides which ports are published: is 443 one?"),
    ],
)  # fmt: skip
def test_undecided(publish: list[Any], reason: str, tmp_path: Path) -> None:
    results = _results(tmp_path, {"web": {"publish": publish}}, _moved(PLAIN, SECURE), web=UPGRADE)
    assert results == {
        f"routes.{check}[web]": ("UNKNOWN", f"could not be evaluated: {reason}")
        for check in ("redirects", "upgrade")
    }


def test_back_to_another_port_of_the_same_scheme(tmp_path: Path) -> None:
    """`absolute_redirect` of a server behind a proxy names the port of its container."""
    route = {"url": f"{SECURE}n8n", "redirects": "same-host", "status": [301]}
    response = _moved(f"{SECURE}n8n", "https://shop.example:5678/n8n/")
    results = _results(tmp_path, PUBLIC, response, web=route)
    assert results["routes.redirects[web]"][0] == "FAIL"
