"""Proxies other than nginx that `stackproof init` finds, and the routes in a Caddyfile."""

from collections.abc import Callable, Mapping

import pytest

from stackproof.cli.draft.confirmation import read_verdict
from stackproof.cli.draft.draft import Draft
from stackproof.environment.model import Environment
from stackproof.kinds.caddy import Caddy
from stackproof.kinds.traefik import Traefik
from tests.cli.draft.conftest import Init

Written = Callable[[], str]
SHOP = """\
services:
  edge:
    image: caddy:2
    ports: ["80:80", "8443:443"]
    environment: {SITE: "${SITE}", PLAIN: plain.example}
    volumes: ["./Caddyfile:/etc/caddy/Caddyfile:ro"]
  app: {image: "img/app:1"}
  api: {image: "img/api:1", container_name: the-api}
"""
CADDYFILE = """\
{
	email ops@shop.example
}
(common) {
	reverse_proxy nothing:1
}
shop.example, www.shop.example {
	import common
	handle_path /api/* { # the API
		reverse_proxy the-api:5000
	}
	handle {
		reverse_proxy http://app:3000 {
			header_up X-Real-IP {remote_host}
		}
	}
}
http://plain.example {
	@admin path /admin
	reverse_proxy @admin elsewhere:1
	reverse_proxy /v2/* api:5000
}
{$SITE} {
	reverse_proxy app:3000
}
{$UNSET} {
	reverse_proxy app:3000
}
:80 {
	reverse_proxy {$TO:app}:3000
	respond "static"
}
closed.example:9999 {
	reverse_proxy app:3000
}
static.example {
	file_server
}
*.shop.example {
	reverse_proxy app:3000
}
"""


def _routes(shop: Environment) -> Mapping[str, str]:
    return {each.url: each.service for each in shop.routes.values()}


def test_a_caddyfile(init: Init, written: Written) -> None:
    files = {"compose.yaml": SHOP, "Caddyfile": CADDYFILE, ".env": "SITE=site.example\n"}
    shop = init(files)
    assert _routes(shop) == {
        "https://shop.example:8443/api/": "api",
        "https://shop.example:8443": "app",
        "https://www.shop.example:8443/api/": "api",
        "https://www.shop.example:8443": "app",
        "http://plain.example/v2/": "api",
        "https://site.example:8443": "app",
        "https://static.example:8443": "edge",
    }
    assert set(shop.servers(Caddy)) == {"edge"}
    assert (shop.services["api"].ports, shop.services["app"].ports) == ((5000,), (3000,))
    assert "https://${SITE}:8443" in written()
    assert "# TODO: site {$UNSET} of edge: depends on UNSET" in written()
    assert {each.proxy for each in shop.routes.values()} == {""}


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ("caddy:2", "caddy"),
        ("registry.example/team/caddy", "caddy"),
        ("haproxy", "other"),
        ("envoyproxy/envoy:v1.31", "other"),
        ("jc21/nginx-proxy-manager", "other"),
        ("lucaslorentz/caddy-docker-proxy", "other"),
        ("traefik:3.1", "other"),
    ],
)
def test_kinds(init: Init, image: str, kind: str) -> None:
    shop = init(f"services: {{edge: {{image: '{image}', ports: ['80:80']}}}}")
    assert (shop.nginx, shop.proxy_names) == (None, ("edge",))
    assert set(getattr(shop.proxies, kind)) == {"edge"}


@pytest.mark.parametrize(
    "more", ["command: [--api.insecure=true]", 'environment: {TRAEFIK_API_INSECURE: "true"}']
)
def test_a_traefik_whose_api_is_open(init: Init, more: str) -> None:
    shop = init(f"services: {{edge: {{image: 'traefik:3.1', ports: ['80:80'], {more}}}}}")
    assert set(shop.servers(Traefik)) == {"edge"}


def test_a_traefik_whose_api_is_closed(init: Init, written: Written) -> None:
    init("services: {edge: {image: 'traefik:3.1', ports: ['80:80']}}")
    todo = "# TODO edge: traefik: {edge: {}}, if it is started with --api.insecure=true"
    assert todo in written()


def test_of_several_proxies_each_route_names_its_own(init: Init) -> None:
    other = "  balancer: {image: haproxy, ports: ['81:80']}\n"
    shop = init({"compose.yaml": SHOP + other, "Caddyfile": ":80 {\n\treverse_proxy app:3000\n}\n"})
    assert {(each.url, each.proxy) for each in shop.routes.values()} == {
        ("http://localhost", "edge")
    }


def test_what_is_not_mounted(init: Init, written: Written) -> None:
    init("services: {edge: {image: caddy, ports: ['80:80']}}")
    assert "# TODO: the Caddyfile of edge is not mounted from here" in written()


@pytest.mark.parametrize(
    ("check", "subject", "entry"),
    [
        ("config_loaded", "edge", ("proxies", "edge")),
        ("routed", "home", ("proxies", "edge")),
    ],
)
def test_a_proxy_that_the_stack_does_not_confirm(
    check: str, subject: str, entry: tuple[str, ...]
) -> None:
    draft = Draft(
        proxies={"caddy": {"edge": {}}},
        routes={"home": {"url": "http://shop.example", "service": "app"}},
    )
    unknown = {
        "suite": "caddy", "check": check, "subject": subject, "service": "app",
        "outcome": "unknown", "headline": "its admin API is off", "observed": "",
    }  # fmt: skip
    assert read_verdict([unknown], draft).unconfirmed == {entry: "its admin API is off"}
