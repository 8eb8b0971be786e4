"""Secrets in the headers of routes are redacted everywhere, also if they come from a variable."""

from pathlib import Path
from unittest.mock import patch

import pytest

from stackproof import secrets
from stackproof.environment.loader import InvalidEnvironment, load

SHOP = """
services: {api: {}}
routes:
  api:
    url: https://shop.test/
    service: api
    headers: {Authorization: "Bearer ${API_ACCESS}", X-Tenant: north-tenant}
"""


def test_secret_of_a_header(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SHOP)
    with patch.object(secrets, "_known", set()), patch.object(secrets, "_declared", set()):
        environment = load("shop", tmp_path, {"API_ACCESS": "6f0e1b7c2a"}, offline=True)
        assert environment.routes["api"].headers["Authorization"] == "Bearer 6f0e1b7c2a"
        assert secrets.redact("refused 6f0e1b7c2a of north-tenant") == (
            "refused [redacted] of north-tenant"
        )


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ("login: https://auth.test/", "only a route that is protected has a login"),
        ("websocket: true, method: POST", "a WebSocket is requested with GET, without a body"),
        ("websocket: true, body: x", "a WebSocket is requested with GET, without a body"),
        ("websocket: true, stream: true", "a stream is the body of a response, and no WebSocket"),
        ("stream: true, method: HEAD", "a stream is the body of a response, and no WebSocket"),
        ("stream: true, must_not: {text: a}", "it needs a response with a body that ends"),
        ("websocket: true, must_not: {text: a}", "it needs a response with a body that ends"),
        ("method: HEAD, must_not: {text: a}", "it needs a response with a body that ends"),
        ("must_not: {text: ' '}", "expected text that is not blank, got ' '"),
        ("must_not: {text: [a, '']}", "expected text that is not blank, got ''"),
        ("body_limit: 0", "expected"),
        ("body_limit: 1 gig", "expected a size such as 512M or 2G, got '1 gig'"),
        ("method: get", "expected"),
    ],
)
def test_route_that_does_not_fit(route: str, message: str, tmp_path: Path) -> None:
    declared = f"{{url: https://shop.test/, service: api, {route}}}"
    (tmp_path / "shop.yaml").write_text(f"services: {{api: {{}}}}\nroutes: {{api: {declared}}}")
    with pytest.raises(InvalidEnvironment, match=message):
        load("shop", tmp_path, {}, offline=True)


@pytest.mark.parametrize("texts", ["Bad Gateway", "[Bad Gateway]"])
def test_forbidden_texts(texts: str, tmp_path: Path) -> None:
    declared = f"{{url: https://shop.test/, service: api, must_not: {{text: {texts}}}}}"
    (tmp_path / "shop.yaml").write_text(f"services: {{api: {{}}}}\nroutes: {{api: {declared}}}")
    route = load("shop", tmp_path, {}, offline=True).routes["api"]
    assert route.must_not
    assert route.must_not.text == ("Bad Gateway",)
