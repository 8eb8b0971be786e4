"""`nginx.resolves` on a real engine: another container takes names of the service."""

from collections.abc import Callable, Iterator

import pytest

from lab.engine.daemon import docker
from tests.live.nginx.proxied import NETWORK, Proxied
from tests.live.nginx.test_routed import RESOLVER, api, site

pytestmark = pytest.mark.live

CONTAINER = "stackproof-nginx-api-1"


def to(host: str) -> str:
    return site(api(f"proxy_pass http://{host}:5000;"))


def by_variable(host: str) -> str:
    return site(RESOLVER, api(f"set $u {host}:5000; proxy_pass http://$u;"))


def by_group(host: str, more: str = "") -> str:
    return site(api("proxy_pass http://p;"), before=f"upstream p {{ server {host}:5000; {more} }}")


# The names that a stranger takes, and the configuration.
HEALTHY = {
    "nobody takes a name": ([], to("api")),
    "nobody, alias": ([], to("api-alias")),
    "nobody, container": ([], to(CONTAINER)),
    "nobody, variable": ([], by_variable("api")),
    "nobody, group": ([], by_group("api")),
    "nobody, name in the network": ([], to(f"api.{NETWORK}")),
    "unused name": (["api"], to(CONTAINER)),
    "unused name, alias": (["api"], to("api-alias")),
    "unused name, variable": (["api"], by_variable(CONTAINER)),
    "unused name, group": (["api"], by_group("api-alias")),
    "unused alias": (["api-alias"], to("api")),
    "name of nobody": (["something-else"], to("api")),
}
BROKEN = {
    "service": (["api"], to("api")),
    "service, variable": (["api"], by_variable("api")),
    "service, group": (["api"], by_group("api")),
    "alias": (["api-alias"], to("api-alias")),
    "alias, variable": (["api-alias"], by_variable("api-alias")),
    "alias, group": (["api-alias"], by_group("api-alias")),
    "service, backup": (["api"], by_group("web", "server api:5000 backup;")),
    "both": (["api", "api-alias"], to("api-alias")),
    "one of two": (["api"], by_group("api", f"server {CONTAINER}:5000;")),
    "service, map": (
        ["api"],
        site(
            RESOLVER, "location / { proxy_pass http://$pool; }",
            before="map $uri $pool { default api:5000; }",
        ),
    ),
}  # fmt: skip


@pytest.fixture
def take(proxied: Proxied) -> Iterator[Callable[[list[str]], None]]:
    """Gives names to the stranger, until the test ends."""

    def names(taken: list[str]) -> None:
        stranger = proxied.container("stranger")
        docker("network", "disconnect", "--force", NETWORK, stranger)
        docker("network", "connect", *(f"--alias={name}" for name in taken), NETWORK, stranger)

    yield names
    names([])


@pytest.mark.parametrize("variant", HEALTHY)
def test_healthy(proxied: Proxied, take: Callable[[list[str]], None], variant: str) -> None:
    names, http = HEALTHY[variant]
    take(names)
    proxied.load(http)
    ran = proxied.verify("resolves")
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output


@pytest.mark.parametrize("variant", BROKEN)
def test_broken(proxied: Proxied, take: Callable[[list[str]], None], variant: str) -> None:
    names, http = BROKEN[variant]
    take(names)
    proxied.load(http)
    results = proxied.verify("resolves").results("shop")
    assert list(results) == ["nginx.resolves[api]"]
    outcome, line = results["nginx.resolves[api]"]
    assert outcome == "FAIL"
    assert line.startswith("api address in nginx's network: expected 1")
