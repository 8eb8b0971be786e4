"""The checks of nginx turn red where they should, and nowhere else."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.proxy import Destination, LogEntry, Proxy, Worker
from stackproof.unobserved import Unobserved
from tests import shop
from tests.shop import AT, answered, container, leads

SHOP = "https://shop.example"
SECOND = timedelta(seconds=1)


def proxy(**changes: Any) -> Proxy:
    fine = Proxy(
        destinations={"home": leads("api:5000")},
        resolved_at_load=("api",),
        files={"/etc/nginx/nginx.conf": AT},
        workers=(SERVES,),
        addresses={"api": ("172.20.0.2",)},
    )
    return fine.model_copy(update=changes)


def passing_to(*places: str, **more: Any) -> dict[str, Destination]:
    return {"home": leads(*places, **more)}


EMERG = LogEntry(at=AT - SECOND, line="[emerg] 1#1: unexpected end of file")
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
        (proxy(destinations=passing_to("172.20.0.2:5000")), (), set()),
        (proxy(destinations=passing_to("api:5000")), (), set()),
        (proxy(destinations=passing_to("[fd00::2]:5000")), (), set()),
        (proxy(destinations=passing_to("api:5999")), (), {"nginx.routed[home]"}),
        (proxy(destinations=passing_to("api:5000", "api:5999")), (), {"nginx.routed[home]"}),
        (proxy(destinations=passing_to("web:5000")), (), {"nginx.routed[home]"}),
        (proxy(destinations=passing_to("api:5000", "web:5000")), (), {"nginx.routed[home]"}),
        (proxy(destinations=passing_to()), (), {"nginx.routed[home]"}),
        (proxy(destinations=passing_to(is_default=True)), (), {"nginx.routed[home]"}),
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
        (proxy(), (EMERG.model_copy(update={"line": "[crit] 1#1: no space left"}),), set()),
        # The next worker starts at once.
        (
            proxy(),
            (
                LogEntry(
                    at=AT - SECOND / 2, line="[alert] 1#1: worker process 7 exited on signal 9"
                ),
            ),
            {"nginx.log[proxy]"},
        ),
        (
            proxy(),
            (LogEntry(at=AT - SECOND, line="[alert] 1#1: worker process 7 exited on signal 9"),),
            set(),
        ),
    ],
)
def test_nginx(tmp_path: Path, seen: Proxy, alarms: tuple[LogEntry, ...], failed: set[str]) -> None:
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
    results = shop.replay(tmp_path, environment, observed, "-k", "test_nginx").results("shop")
    assert {check: outcome for check, (outcome, _) in results.items()} == dict.fromkeys(
        failed, "FAIL"
    )


ENVIRONMENT = {
    "services": {"proxy": {}, "api": {"ports": [5000]}},
    "routes": {"home": {"url": f"{SHOP}/", "service": "api"}},
    "nginx": {"service": "proxy"},
}


def routed(
    tmp_path: Path, destination: Destination | Unobserved, **more: Any
) -> dict[str, tuple[str, str]]:
    """Return the result of `nginx.routed` for where the route leads."""
    environment = {**ENVIRONMENT, **more.pop("environment", {})}
    observed = shop.facts(
        containers={"proxy": container(name="proxy"), "api": more.pop("api", container())},
        proxies={"proxy": proxy(destinations={"home": destination}, **more.pop("seen", {}))},
        **more,
    )
    return shop.replay(tmp_path, environment, observed, "-k", "test_routed").results("shop")


@pytest.mark.parametrize(
    ("destination", "why"),
    [
        (Unobserved(reason="it depends on $app"), "it depends on $app"),
        (leads("[:80"), "where the route leads cannot be read: [:80"),
        (leads("unix:/run/app.sock"), "where the route leads cannot be read: unix:/run/app.sock"),
        (
            leads("api:5000", "web:3000", depends_on="$cookie_beta"),
            "$cookie_beta decides where the route leads: api:5000, web:3000",
        ),
    ],
)  # fmt: skip
def test_where_a_route_leads_may_be_undecided(
    tmp_path: Path, destination: Destination | Unobserved, why: str
) -> None:
    assert routed(tmp_path, destination) == {
        "nginx.routed[home]": ("UNKNOWN", f"could not be evaluated: {why}")
    }


def test_whatever_decides_all_lead_to_the_service(tmp_path: Path) -> None:
    places = leads("api:5000", "172.20.0.5:5000", depends_on="$cookie_beta")
    assert routed(tmp_path, places) == {}


def test_whatever_decides_none_leads_to_the_service(tmp_path: Path) -> None:
    places = leads("web:3000", "db:5432", depends_on="$cookie_beta")
    assert set(routed(tmp_path, places)) == {"nginx.routed[home]"}


IDENTIFIED = {
    "routes": {"home": {"url": f"{SHOP}/", "service": "api", "identity": {"text": "api"}}}
}
UNDECIDED = leads("api:5000", "web:3000", depends_on="$cookie_beta")


@pytest.mark.parametrize(
    ("destination", "body", "status", "changed", "outcome"),
    [
        (UNDECIDED, "this is api", 200, AT, None),
        (Unobserved(reason="content_by_lua_block"), "this is api", 200, AT, None),
        (leads("cache:6081"), "this is api", 200, AT, None),
        (UNDECIDED, "this is web", 200, AT, "UNKNOWN"),
        (leads("cache:6081"), "this is web", 200, AT, "FAIL"),
        (leads("cache:6081"), "this is api", 404, AT, "FAIL"),
        # What was not loaded yet has not answered.
        (leads("cache:6081"), "this is api", 200, AT + SECOND, "FAIL"),
        # Half of the clients get another one.
        (leads("api:5000", "web:3000"), "this is api", 200, AT, "FAIL"),
    ],
)
def test_a_response_that_proves_who_answered_counts_more(
    tmp_path: Path,
    destination: Destination | Unobserved,
    body: str,
    status: int,
    changed: datetime,
    outcome: str | None,
) -> None:
    results = routed(
        tmp_path,
        destination,
        environment=IDENTIFIED,
        responses={"home": answered((f"{SHOP}/", status), body=body)},
        seen={"files": {"/etc/nginx/nginx.conf": changed}},
    )
    assert [each for each, _ in results.values()] == ([outcome] if outcome else [])


@pytest.mark.parametrize(
    ("workers", "observed"),
    [
        ((SERVES, DRAINS), None),
        ((SERVES, STOPPED), "1 of 2 stopped"),
        ((STOPPED, STOPPED), "2 of 2 stopped"),
        ((DRAINS,), "none that accepts requests"),
        ((), "none that accepts requests"),
    ],
)
def test_workers(tmp_path: Path, workers: tuple[Worker, ...], observed: str | None) -> None:
    seen = shop.facts(containers={"proxy": container()}, proxies={"proxy": proxy(workers=workers)})
    ran = shop.replay(tmp_path, BARE, seen, "-m", "shop and nginx", "-k", "test_workers")
    said = f"proxy workers: expected at least one, and none stopped, observed {observed}"
    assert ran.results("shop") == ({"nginx.workers[proxy]": ("FAIL", said)} if observed else {})


def test_a_file_may_be_gone(tmp_path: Path) -> None:
    def results(changed: datetime) -> dict[str, tuple[str, str]]:
        seen = proxy(folders={"/etc/nginx/conf.d": AT, "/etc/nginx/sites-enabled": changed})
        observed = shop.facts(containers={"proxy": container()}, proxies={"proxy": seen})
        ran = shop.replay(tmp_path, BARE, observed, "-m", "shop and nginx", "-k", "config_loaded")
        return ran.results("shop")

    assert results(AT) == {}
    moments = [f"{each:%Y-%m-%d %H:%M:%S} UTC" for each in (AT + SECOND, AT)]
    said = (
        "could not be evaluated: a file that nginx loaded may be gone: /etc/nginx/sites-enabled "
        f"changed at {moments[0]}, after the last load at {moments[1]}"
    )
    assert results(AT + SECOND) == {"nginx.config_loaded[proxy]": ("UNKNOWN", said)}


def test_without_a_worker_what_is_loaded_is_unknown(tmp_path: Path) -> None:
    seen = shop.facts(containers={"proxy": container()}, proxies={"proxy": proxy(workers=())})
    ran = shop.replay(tmp_path, BARE, seen, "-m", "shop and nginx", "-k", "test_config_loaded")
    assert ran.results("shop") == {
        "nginx.config_loaded[proxy]": (
            "UNKNOWN", "could not be evaluated: nginx has no worker that serves",
        )
    }  # fmt: skip


@pytest.mark.parametrize(
    ("destination", "results"),
    [
        (
            leads(is_default=True, server="other.example"),
            ("FAIL", "home in nginx's configuration: expected to lead to api at 5000, "
             "observed no server block for shop.example"),
        ),
        (
            leads(),
            ("FAIL", "home in nginx's configuration: expected to lead to api at 5000, "
             "observed proxy"),
        ),
        (
            Unobserved(reason="nginx's configuration: permission denied"),
            ("UNKNOWN", "could not be evaluated: nginx's configuration: permission denied"),
        ),
    ],
    ids=["no server block", "nginx itself", "unreadable configuration"],
)  # fmt: skip
def test_a_route_that_leads_nowhere(
    tmp_path: Path, destination: Destination | Unobserved, results: tuple[str, str]
) -> None:
    assert routed(tmp_path, destination) == {"nginx.routed[home]": results}


def test_a_route_of_nginx_itself(tmp_path: Path) -> None:
    its = {"routes": {"home": {"url": f"{SHOP}/", "service": "proxy"}}}
    assert routed(tmp_path, leads(), environment=its) == {}
    assert set(routed(tmp_path, leads("api:5000"), environment=its)) == {"nginx.routed[home]"}


def test_the_configuration_that_is_shown_as_evidence(tmp_path: Path) -> None:
    seen = proxy(destinations=passing_to("web:5000", location="= /"))
    observed = shop.facts(
        containers={"proxy": container(), "api": container()}, proxies={"proxy": seen}
    )
    ran = shop.replay(tmp_path, ENVIRONMENT, observed, "-k", "test_routed")
    (check,) = ran.verdict("shop")["checks"]
    assert check["evidence"] == {"location": "= /", "server": "shop.example"}


def test_name_of_a_container_without_an_address(tmp_path: Path) -> None:
    environment = {
        "services": {"proxy": {}, "api": {"ports": [5000]}},
        "routes": {"home": {"url": f"{SHOP}/", "service": "api"}},
        "nginx": {"service": "proxy"},
    }
    observed = shop.facts(
        containers={"proxy": container(), "api": container(addresses={})},
        proxies={"proxy": proxy()},
    )
    ran = shop.replay(tmp_path, environment, observed, "-k", "test_resolves")
    assert ran.results("shop") == {
        "nginx.resolves[api]": (
            "FAIL",
            "api address in nginx's network: expected an address, observed 172.20.0.2",
        )
    }
