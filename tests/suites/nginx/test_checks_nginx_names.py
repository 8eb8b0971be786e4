"""The checks of nginx know a service by all of its names, and only where nginx resolves them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.container import Container
from stackproof.facts.proxy import Worker
from stackproof.facts.settings import Namespace
from stackproof.unobserved import Unobserved
from tests import shop
from tests.shop import AT, container, created, leads
from tests.suites.specified import changed

SETTINGS = changed().creation.settings
assert SETTINGS
ALIASES = {"shop_default": ("backend", "api")}
WITH_ALIAS = created(settings=SETTINGS.model_copy(update={"aliases": ALIASES}))
API = container(name="shop-api", id="0123456789abcdef", creation=WITH_ALIAS)
BEHIND_VPN = container(
    name="shop-api",
    addresses={},
    namespace=Namespace(id="a", name="shop-vpn", service="vpn", addresses=("172.20.0.7",)),
)
PUBLISHED = container(published={"127.0.0.1:8500": 5000})
SERVICES: dict[str, Any] = {"proxy": {}, "vpn": {}, "api": {"ports": [5000]}}


def environment(**services: Any) -> dict[str, Any]:
    return {
        "services": {name: {**SERVICES[name], **services.get(name, {})} for name in SERVICES},
        "routes": {"home": {"url": "https://shop.example/", "service": "api"}},
        "nginx": {"service": "proxy"},
    }


def red(
    tmp_path: Path, check: str, api: Container, declared: dict[str, Any], **seen: Any
) -> dict[str, tuple[str, str]]:
    """Return what is not passed of one check."""
    proxy = shop.PROXY.model_copy(
        update={"addresses": {}, "destinations": {}, "resolved_at_load": ("api",), **seen}
    )
    observed = shop.facts(containers={"proxy": container(), "api": api}, proxies={"proxy": proxy})
    return shop.replay(tmp_path, declared, observed, "-k", check).results("shop")


SHARES_VPN = {"api": {"network_mode": "service:vpn"}}
ON_HOST = {"proxy": {"network_mode": "host"}}


@pytest.mark.parametrize(
    ("place", "api", "services", "is_right"),
    [
        ("api:5000", API, {}, True),
        ("API:5000", API, {}, True),
        ("shop-api:5000", API, {}, True),
        ("backend:5000", API, {}, True),
        ("backend.shop_default:5000", API, {}, True),
        ("api.shop_default:5000", API, {}, True),
        ("0123456789ab:5000", API, {}, True),
        ("172.20.0.5:5000", API, {}, True),
        ("backend:5001", API, {}, False),
        ("frontend:5000", API, {}, False),
        ("vpn:5000", API, {}, False),
        # Its address is that of the container whose network it shares.
        ("vpn:5000", BEHIND_VPN, SHARES_VPN, True),
        ("shop-vpn:5000", BEHIND_VPN, SHARES_VPN, True),
        ("172.20.0.7:5000", BEHIND_VPN, SHARES_VPN, True),
        # nginx in the network of the host, or of the service.
        ("127.0.0.1:8500", PUBLISHED, ON_HOST, True),
        ("localhost:8500", PUBLISHED, ON_HOST, True),
        ("[::1]:8500", PUBLISHED, ON_HOST, True),
        ("127.0.0.1:8501", PUBLISHED, ON_HOST, False),
        ("127.0.0.1:8500", PUBLISHED, {}, False),
        ("host.docker.internal:8500", PUBLISHED, {}, True),
        ("host.docker.internal:8501", PUBLISHED, {}, False),
        ("127.0.0.1:5000", API, {"proxy": {"network_mode": "service:api"}}, True),
        ("localhost:5000", API, {"api": {"network_mode": "service:proxy"}}, True),
        ("localhost:5000", API, {**ON_HOST, "api": {"network_mode": "host"}}, True),
        ("localhost:5000", API, {}, False),
        ("[::1]:5000", API, {"proxy": {"network_mode": "service:api"}}, True),
        ("[::1]:5000", API, {}, False),
    ],
)
def test_routed(
    tmp_path: Path, place: str, api: Container, services: dict[str, Any], is_right: bool
) -> None:
    destinations = {"home": leads(place)}
    results = red(tmp_path, "test_routed", api, environment(**services), destinations=destinations)
    assert results == (
        {}
        if is_right
        else {
            "nginx.routed[home]": (
                "FAIL",
                f"home in nginx's configuration: expected to lead to api at 5000, observed {place}",
            )
        }
    )


LATER = AT + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("started_at", "resolved_at_load", "outcome"),
    [
        (AT, ("api",), None),
        (LATER, ("api", "web"), "FAIL"),
        (LATER, ("backend",), "FAIL"),
        (LATER, ("shop-api",), "FAIL"),
        (LATER, ("web",), None),
        (LATER, (), None),
        # Not looked up: it stays the same, whatever nginx loads.
        (LATER, ("172.20.0.5",), None),
        (LATER, None, "FAIL"),
        (LATER, Unobserved(reason="nginx's configuration cannot be read"), "UNKNOWN"),
        (AT, Unobserved(reason="nginx's configuration cannot be read"), None),
    ],
)
def test_loaded_after(
    tmp_path: Path, started_at: Any, resolved_at_load: Any, outcome: str | None
) -> None:
    api = API.model_copy(update={"started_at": started_at})
    workers = (Worker(started_at=AT, shutting_down=False),)
    results = red(
        tmp_path, "test_loaded_after", api, environment(),
        workers=workers, resolved_at_load=resolved_at_load,
    )  # fmt: skip
    assert [each for each, _ in results.values()] == ([outcome] if outcome else [])


OWN, OTHER = "172.20.0.5", "172.20.0.9"


@pytest.mark.parametrize(
    ("used", "addresses", "observed"),
    [
        (("api",), {"api": (OWN,)}, ""),
        (("api",), {"api": (OTHER,)}, OTHER),
        (("api",), {"api": (OWN, OTHER)}, f"{OWN}, {OTHER}"),
        (("api",), {}, "none"),
        (("backend",), {"api": (OWN,), "backend": (OWN, OTHER)}, f"{OWN}, {OTHER}"),
        # Another project has a service of this name, and nginx uses the one that is unique.
        (("shop-api",), {"api": (OWN, OTHER), "shop-api": (OWN,)}, ""),
        (("backend",), {"api": (OTHER,), "backend": (OWN,)}, ""),
        # Which name it uses is unknown: then all count.
        ((), {"api": (OWN, OTHER), "shop-api": (OWN,)}, f"{OWN}, {OTHER}"),
        (None, {"api": (OWN,), "shop-api": (OTHER,)}, f"{OWN}, {OTHER}"),
    ],
)
def test_resolves(
    tmp_path: Path,
    used: tuple[str, ...] | None,
    addresses: dict[str, tuple[str, ...]],
    observed: str,
) -> None:
    results = red(
        tmp_path, "test_resolves", API, environment(api={"container": "shop-api"}),
        resolved_at_load=used, addresses=addresses,
    )  # fmt: skip
    line = f"api address in nginx's network: expected {OWN}, observed {observed}"
    assert results == ({"nginx.resolves[api]": ("FAIL", line)} if observed else {})


def test_name_in_a_variable_is_used(tmp_path: Path) -> None:
    results = red(
        tmp_path, "test_resolves", API, environment(),
        resolved_at_load=(), destinations={"home": leads("backend:5000")},
        addresses={"api": (OTHER,), "backend": (OWN,)},
    )  # fmt: skip
    assert results == {}


def test_log_that_the_engine_does_not_show(tmp_path: Path) -> None:
    why = "nginx logs with error_log /var/log/nginx/shop.log"
    proxy = shop.PROXY.model_copy(update={"hidden_log": why})
    observed = shop.facts(
        containers={"proxy": container()}, proxies={"proxy": proxy}, alarms={"proxy": ()}
    )
    declared = {"services": {"proxy": {}}, "nginx": {"service": "proxy"}}
    ran = shop.replay(tmp_path, declared, observed, "-k", "test_log")
    assert ran.results("shop") == {
        "nginx.log[proxy]": (
            "UNKNOWN", f"could not be evaluated: {why}, which the engine does not show",
        )
    }  # fmt: skip
    declared["nginx"] = {"service": "proxy", "log": False}
    ran = shop.replay(tmp_path, declared, observed, "-k", "nginx")
    assert "nginx.log[proxy]" not in ran.results("shop")
    assert "nginx.config_valid[proxy]" in ran.results("shop")
