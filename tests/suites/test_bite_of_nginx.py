"""The checks of nginx turn red where they should, and nowhere else."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures.proxy import Alarm, Location, Proxy, ServerBlock, Worker
from tests.suites import shop
from tests.suites.shop import AT, answered, container

SHOP = "https://shop.example"
SECOND = timedelta(seconds=1)


def block(name: str, *locations: Location) -> ServerBlock:
    return ServerBlock(
        names=(name,), ports=(443,), default_ports=(), returns=None, locations=locations
    )


def proxy(**changes: Any) -> Proxy:
    fine = Proxy(
        servers=(block("shop.example", Location(modifier="", path="/", passes_to=("api:5000",))),),
        files={"/etc/nginx/nginx.conf": AT},
        workers=(SERVES,),
        addresses={"api": ("172.20.0.2",)},
    )
    return fine.model_copy(update=changes)


def passing_to(*hosts: str) -> tuple[ServerBlock, ...]:
    return (block("shop.example", Location(modifier="", path="/", passes_to=hosts)),)


EMERG = Alarm(at=AT - SECOND, line="[emerg] 1#1: unexpected end of file")
BARE = {"services": {"proxy": {}}, "nginx": {"service": "proxy"}}
LONG_AGO = AT - timedelta(minutes=10)
SERVES = Worker(started_at=AT, shutting_down=False)
DRAINS = Worker(started_at=AT, shutting_down=True)
STOPPED = Worker(started_at=AT, shutting_down=False, stopped=True)
LOADED_LONG_AGO = (Worker(started_at=LONG_AGO, shutting_down=False),)


@pytest.mark.parametrize(
    ("seen", "alarms", "failed"),
    [
        (proxy(), (), set()),
        (proxy(servers=passing_to("172.20.0.2:5000")), (), set()),
        (proxy(servers=passing_to("api:5000")), (), set()),
        (proxy(servers=passing_to("[fd00::2]:5000")), (), set()),
        (proxy(servers=passing_to("api:5999")), (), {"nginx.routed[home]"}),
        (proxy(servers=passing_to("api:5000", "api:5999")), (), {"nginx.routed[home]"}),
        (proxy(servers=passing_to("web:5000")), (), {"nginx.routed[home]"}),
        (proxy(servers=passing_to("api:5000", "web:5000")), (), {"nginx.routed[home]"}),
        (proxy(servers=passing_to()), (), {"nginx.routed[home]"}),
        (proxy(servers=()), (), {"nginx.routed[home]"}),
        (proxy(addresses={"api": ("172.20.0.9",)}), (), {"nginx.resolves[api]"}),
        (proxy(addresses={"api": ()}), (), {"nginx.resolves[api]"}),
        (proxy(files={"a": AT + SECOND}), (), {"nginx.config_loaded[proxy]"}),
        (proxy(replaced_mounts=("/etc/hosts", "/etc/nginx/nginx")), (), set()),
        (proxy(replaced_mounts=("/etc/nginx/nginx.conf",)), (), {"nginx.config_mounted[proxy]"}),
        (proxy(replaced_mounts=("/etc/nginx",)), (), {"nginx.config_mounted[proxy]"}),
        (
            proxy(workers=LOADED_LONG_AGO, files={"a": LONG_AGO}),
            (),
            {"nginx.loaded_after[api]"},
        ),
        (
            proxy(
                workers=(
                    Worker(started_at=LONG_AGO, shutting_down=True),
                    *LOADED_LONG_AGO,
                ),
                files={"a": LONG_AGO},
            ),
            (),
            {"nginx.old_workers[proxy]", "nginx.loaded_after[api]"},
        ),
        (proxy(), (EMERG,), set()),
        (proxy(), (EMERG.model_copy(update={"at": AT + SECOND}),), {"nginx.log[proxy]"}),
        (
            proxy(),
            (EMERG.model_copy(update={"line": "[alert] 1#1: a worker exited"}),),
            {"nginx.log[proxy]"},
        ),
    ],
)
def test_nginx(tmp_path: Path, seen: Proxy, alarms: tuple[Alarm, ...], failed: set[str]) -> None:
    environment = {
        "services": {"proxy": {}, "api": {"ports": [5000]}},
        "routes": {"home": {"url": f"{SHOP}/", "service": "api"}},
        "nginx": {"service": "proxy"},
    }
    observed = shop.facts(
        containers=dict.fromkeys(
            ("proxy", "api"), container(addresses={"shop_default": ("172.20.0.2", "fd00::2")})
        ),
        responses={"home": answered((f"{SHOP}/", 200))},
        commands={"nginx_test proxy": shop.said("nginx -t", 0, "ok")},
        proxies={"proxy": seen},
        alarms={"proxy": alarms},
    )
    told = shop.replay(tmp_path, environment, observed, "-k", "test_nginx").told("shop")
    assert {check: outcome for check, (outcome, _) in told.items()} == dict.fromkeys(failed, "FAIL")


@pytest.mark.parametrize(
    ("location", "why"),
    [
        (
            Location(modifier="", path="/", passes_to=("$app:80",)),
            "where the route leads is decided by variables: $app:80",
        ),
        (
            Location(modifier="", path="/", passes_to=("[:80",)),
            "where the route leads cannot be read: [:80",
        ),
        (
            Location(modifier="", path="/", passes_to=("unix:/run/app.sock",)),
            "where the route leads cannot be read: unix:/run/app.sock",
        ),
        (
            Location(modifier="~", path="(a+)+$", passes_to=("api:5000",)),
            "the regular expression (a+)+$ in nginx's configuration cannot be evaluated safely",
        ),
    ],
)
def test_where_a_route_leads_may_be_undecided(tmp_path: Path, location: Location, why: str) -> None:
    environment = {
        "services": {"proxy": {}, "api": {"ports": [5000]}},
        "routes": {"home": {"url": f"{SHOP}/", "service": "api"}},
        "nginx": {"service": "proxy"},
    }
    seen = proxy(servers=(block("shop.example", location),))
    observed = shop.facts(
        containers={"proxy": container(), "api": container()}, proxies={"proxy": seen}
    )
    ran = shop.replay(tmp_path, environment, observed, "-k", "test_routed")
    assert ran.told("shop") == {"nginx.routed[home]": ("UNKNOWN", f"could not look: {why}")}


@pytest.mark.parametrize(
    ("workers", "observed"),
    [
        ((SERVES, DRAINS), None),
        ((SERVES, STOPPED), "1 of 2 stopped"),
        ((STOPPED, STOPPED), "2 of 2 stopped"),
        ((DRAINS,), "none that serves"),
        ((), "none that serves"),
    ],
)
def test_workers(tmp_path: Path, workers: tuple[Worker, ...], observed: str | None) -> None:
    seen = shop.facts(containers={"proxy": container()}, proxies={"proxy": proxy(workers=workers)})
    ran = shop.replay(tmp_path, BARE, seen, "-m", "shop and nginx", "-k", "test_workers")
    said = f"proxy workers: expected at least one, and none stopped, observed {observed}"
    assert ran.told("shop") == ({"nginx.workers[proxy]": ("FAIL", said)} if observed else {})


def test_without_a_worker_nobody_knows_what_is_loaded(tmp_path: Path) -> None:
    seen = shop.facts(containers={"proxy": container()}, proxies={"proxy": proxy(workers=())})
    ran = shop.replay(tmp_path, BARE, seen, "-m", "shop and nginx", "-k", "test_config_loaded")
    assert ran.told("shop") == {
        "nginx.config_loaded[proxy]": (
            "UNKNOWN", "could not look: nginx has no worker that serves",
        )
    }  # fmt: skip


@pytest.mark.parametrize("names", [("localhost",), ("_",), ("other.example",)])
def test_the_server_itself_is_answered_by_the_default(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    location = Location(modifier="", path="/", passes_to=("api:5000",))
    server = ServerBlock(
        names=names, ports=(80,), default_ports=(80,), returns=None, locations=(location,)
    )
    route = {"url": "http://localhost/health", "service": "api", "vantage": "server"}
    environment = {
        "services": {"proxy": {}, "api": {"ports": [5000]}},
        "routes": {"from-server": route, "from-here": {**route, "vantage": "here"}},
        "nginx": {"service": "proxy"},
    }
    observed = shop.facts(
        containers={"proxy": container(), "api": container()},
        proxies={"proxy": proxy(servers=(server,))},
    )
    told = shop.replay(tmp_path, environment, observed, "-k", "test_routed").told("shop")
    assert set(told) == (set() if names == ("localhost",) else {"nginx.routed[from-here]"})
