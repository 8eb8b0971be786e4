"""How much of what they observe the checks report, and at which number they fail."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.container import Mount
from stackproof.facts.response import Response
from stackproof.facts.snapshot import Facts
from stackproof.suites.test_host import _is_at_least
from stackproof.unobserved import UnobservedError
from tests import shop
from tests.command_line import Ran
from tests.hints import recorded
from tests.shop import answered, container, created

SHOP = "https://shop.example"
ROUTE = {"url": f"{SHOP}/", "service": "api"}


def _verified(folder: Path, environment: dict[str, Any], observed: Facts, check: str) -> Ran:
    return shop.replay(folder, {"services": {"api": {}}, **environment}, observed, "-k", check)


def _evidence(ran: Ran) -> dict[str, str]:
    (check,) = ran.verdict("shop")["checks"]
    evidence: dict[str, str] = check["evidence"]
    return evidence


def _answer(folder: Path, response: Response, check: str, **declared: Any) -> Ran:
    environment = {"routes": {"home": {**ROUTE, **declared}}}
    observed = shop.facts(containers={"api": container()}, responses={"home": response})
    return _verified(folder, environment, observed, check)


# routes.status, routes.redirects, health.answers
def test_every_answer_on_the_way_is_evidence(tmp_path: Path) -> None:
    response = answered(
        (f"{SHOP}/", 302, "/a"), (f"{SHOP}/a", 302, "https://other.example/b"),
        ("https://other.example/b", 404), headers={"server": "nginx", "x-a": "b"},
    )  # fmt: skip
    ran = _answer(tmp_path, response, "test_status", follow_redirects=True)
    assert _evidence(ran) == {
        "answers": f"302 {SHOP}/ -> /a\n302 {SHOP}/a -> https://other.example/b\n"
        "404 https://other.example/b",
        "headers": "server: nginx\nx-a: b",
        "time": "4 ms",
    }


def test_redirect_of_several_that_leaves_the_host(tmp_path: Path) -> None:
    response = answered(
        (f"{SHOP}/", 302, "/a"), (f"{SHOP}/a", 302, "//other.example/b"),
        ("https://other.example/b", 302, "http://third.example/"), ("http://third.example/", 200),
    )  # fmt: skip
    ran = _answer(
        tmp_path, response, "test_redirects", follow_redirects=True, redirects="same-host"
    )
    assert ran.results("shop") == {
        "routes.redirects[home]": (
            "FAIL",
            "home redirects: expected to stay on shop.example, "
            f"observed {SHOP}/a -> //other.example/b",
        )
    }


@pytest.mark.parametrize("length", [500, 501])
def test_body_that_is_evidence(tmp_path: Path, length: int) -> None:
    body = "a b " * 200
    ran = _answer(tmp_path, answered((f"{SHOP}/", 404), body=body[:length]), "test_status")
    assert _evidence(ran)["body"] == body[:500]


# nginx.routed
def test_several_wrong_addresses_of_a_location(tmp_path: Path) -> None:
    leads = shop.leads("web:3000", "db:5432", server="shop.example www.shop.example", location="/")
    proxy = shop.PROXY.model_copy(update={"destinations": {"home": leads}})
    ran = _verified(
        tmp_path,
        {
            "services": {"proxy": {}, "api": {"ports": [5000, 5001]}},
            "routes": {"home": ROUTE},
            "nginx": {"service": "proxy"},
        },
        shop.facts(containers={"proxy": container(), "api": container()}, proxies={"proxy": proxy}),
        "test_routed",
    )
    assert ran.results("shop") == {
        "nginx.routed[home]": (
            "FAIL",
            "home in nginx's configuration: expected to lead to api at 5000 or 5001, "
            "observed db:5432, web:3000",
        )
    }
    assert _evidence(ran) == {"location": "/", "server": "shop.example www.shop.example"}


# configuration.live_code, configuration.secret_variables
def test_several_mounts_and_variables(tmp_path: Path) -> None:
    mounts = tuple(Mount(kind="bind", source=f"/opt/{n}", target=f"/{n}") for n in ("a", "b"))
    creation = created(mounts=mounts, secret_variables={"A_TOKEN": "its name", "B_KEY": "its form"})
    ran = shop.replay(
        tmp_path,
        {"services": {"api": {}}, "code_mounted": False, "forbid": ["secret-environment"]},
        shop.facts(containers={"api": container(creation=creation)}),
        "-k", "test_live_code or test_secret_variables",
    )  # fmt: skip
    assert {check: line for check, (_, line) in ran.results("shop").items()} == {
        "configuration.live_code[api]": "api mounts of the host: expected none, "
        f"observed {mounts[0]}, {mounts[1]}",
        "configuration.secret_variables[api]": "api secrets in its environment: "
        "expected none, observed A_TOKEN, B_KEY",
    }


# configuration.code_mounted
def test_mounts_of_a_service_without_its_code(tmp_path: Path) -> None:
    mounts = tuple(Mount(kind="volume", source=f"/v/{n}", target=f"/{n}") for n in ("a", "b"))
    ran = _verified(
        tmp_path,
        {"services": {"api": {"code": "live"}}},
        shop.facts(containers={"api": container(creation=created(mounts=mounts))}),
        "test_code_mounted",
    )
    assert _evidence(ran) == {"image": "shop:1", "mounts": f"{mounts[0]}\n{mounts[1]}"}


# datastores.accepts_connections
def test_output_of_pg_isready(tmp_path: Path) -> None:
    line = "/run/postgresql:5432 - rejecting connections"
    ran = _verified(
        tmp_path,
        {"datastores": {"postgresql": {"api": {"user": "app", "database": "shop"}}}},
        shop.facts(
            containers={"api": container()},
            commands={
                "pg_isready api": shop.said("pg_isready -d shop", 1, line),
                "psql api": shop.said("psql -d shop", 2, line),
            },
        ),
        "test_accepts_connections",
    )
    assert _evidence(ran) == {"command": "pg_isready -d shop", "output": line}


# health.models
def test_commands_for_missing_models(tmp_path: Path) -> None:
    ran = _verified(
        tmp_path,
        {"services": {"api": {"ports": [80], "models": ["a", "b", "c:1", "d"]}}},
        shop.facts(
            containers={"api": container()},
            answers={"models api": answered(("http://api/", 200), body='{"models": []}')},
        ),
        "test_models",
    )
    (check,) = ran.verdict("shop")["checks"]
    assert recorded(check["hints"]) == [
        {"here": f"docker exec api ollama pull {name}"} for name in ("a:latest", "b:latest", "c:1")
    ]


# resources.cpu_throttled
@pytest.mark.parametrize(
    ("throttled", "periods", "failed"),
    [(49, 99, False), (50, 99, True), (50, 100, True), (50, 101, False)],
)
def test_fewest_periods_of_throttling(
    tmp_path: Path, throttled: int, periods: int, failed: bool
) -> None:
    usage = shop.USAGE.model_copy(
        update={"cpu_periods": periods, "cpu_throttled_periods": throttled}
    )
    limits = {"cpus": 1.5, "memory": "512M", "cpu_throttled": 0.5}
    ran = _verified(
        tmp_path,
        {"services": {"api": {"limits": limits}}},
        shop.facts(containers={"api": container()}, usage={"api": usage}),
        "test_cpu_throttled",
    )
    assert bool(ran.results("shop")) == failed


# host.engine_version
@pytest.mark.parametrize(
    ("version", "oldest", "fine"),
    [
        ("20.10.24+dfsg1", "20.10", True),
        ("20.10.24+dfsg1", "20.10.25", False),
        ("20.10", "20.10.0", True),
        ("28", "28.0.0", True),
        ("18.09.9-ce", "18.9", True),
        ("24.0.7-0ubuntu4", "24.0.7", True),
        ("v28.0.0", "28.0", True),
        ("v1", "20.10", False),
        ("1..2", "1.1", False),
        ("28.0.0-rc.1", "27", True),
        ("v28.0.0-rc.1", "28.1", False),
        ("23.0.0-dev", "20.10", True),
        ("123456789012345678", "123456789012345678", True),
        ("9" * 5000, "20.10", True),
    ],
)
def test_a_version_is_old_enough(version: str, oldest: str, fine: bool) -> None:
    assert _is_at_least(version, oldest) == fine


@pytest.mark.parametrize(
    "version",
    [
        "dev", "", "unknown", "library-import", "master-dockerproject-2022-03-26", "0.0.0-dev", "v",
        # Before the oldest one, but no other version.
        "v28.0.0-rc.1", "28.0.0~rc1", "28.0-beta.2", "28.0.0-dev",
    ],
)  # fmt: skip
def test_no_number_of_a_version(version: str) -> None:
    with pytest.raises(UnobservedError, match=r"^the engine's version is "):
        _is_at_least(version, "28.0")
