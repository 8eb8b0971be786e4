"""What the checks of a gate say of several values, long ids and boundaries."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from stackproof.facts.compose_file import ComposeFile, ComposeService
from stackproof.facts.container import Container
from stackproof.facts.image import NewImage
from stackproof.facts.machine import Capacity
from stackproof.facts.settling import Settling
from stackproof.gate import Gate
from tests.shop import AT, GIB, MACHINE, container, created
from tests.suites.direct.check import (
    Call,
    Said,
    Warnings,
    cases,
    environment,
    says,
    suite,
    unknown,
)
from tests.suites.gates.deploys import BASELINE, before

compose_file = suite("gates/test_compose_file.py")
deploy = suite("gates/test_deploy.py")
predeploy = suite("gates/test_predeploy.py")
rollback = suite("gates/test_rollback.py")
ID, IMAGE = "0123456789abcdef", "sha256:fedcba9876543210"
MINUTE = timedelta(minutes=1)
SHOP = environment(
    services={name: {} for name in ("api", "web", "proxy", "db")},
    deploy={"order": ["api", "web", "proxy"], "required_variables": ["A", "B"]},
    nginx={"service": "proxy"},
    host={},
    routes={
        "home": {"url": "https://shop.test/", "service": "api"},
        "shop": {"url": "https://shop.test/shop", "service": "web"},
    },
)
API = SHOP.services["api"]
LONG = container(id=ID, creation=created(image_id=IMAGE))
SLOW = Settling(
    ended="late",
    seconds=9,
    limit_s=8.5,
    looks=3,
    waited_for={"api: starting": 2, "web: 1.5": 1.25},
    pending={},
    blind="",
)
PENDING = {"api": "starting", "web": "unhealthy", "db": "exited", "proxy": "paused"}


def started(minute: int) -> Container:
    at = AT + minute * MINUTE
    return container(created_at=at, started_at=at)


def limited(**limits: Any) -> Any:
    return environment(services={"api": {"limits": limits}}).services["api"]


CALLS: list[Any] = [
    (deploy.test_recreated, (API, LONG, (before("x"), before("api", id=ID)))),
    (deploy.test_recreated, (API, LONG, (before("api", id="other"),))),
    (deploy.test_new_image, (API, LONG, (before("api"), before("api", image_id=IMAGE)))),
    (deploy.test_settled, (SHOP, SLOW)),
    (deploy.test_settled, (SHOP, SLOW.model_copy(update={"ended": "hopeless",
     "pending": PENDING}))),
    (deploy.test_restarts, (API, container(restart_count=5), (before("api", id="c0ffee",
     restart_count=2), before("api", id="other", restart_count=3)))),
    (deploy.test_restarts, (API, container(restart_count=2), (before("api", id="c0ffee",
     restart_count=2),))),
    (deploy.test_untouched, (API, LONG, ())),
    (deploy.test_untouched, (API, LONG, (before("a", id="fedcba9876543210"), before("b",
     id="2")))),
    (deploy.test_order, (SHOP, {"api": (started(1), started(5)), "web": (started(3), started(2)),
     "proxy": (started(1),)})),
    (deploy.test_order, (SHOP, {"api": (started(1),), "web": (started(1),), "proxy": (started(1),
     )})),
    (deploy.test_order, (SHOP, {"web": (started(2),), "proxy": (started(1),)})),
    (deploy.test_reloaded, (SHOP.services["proxy"], BASELINE, AT - timedelta(days=1), AT)),
    (deploy.test_reloaded, (SHOP.services["proxy"], BASELINE, AT, None)),
    (deploy.test_reloaded, (SHOP.services["proxy"],
     BASELINE.model_copy(update={"nginx_loaded_at": AT}), AT, None)),
    (deploy.test_clean_images, (API, container(), (before("a", image_id=IMAGE), before("b",
     image_id="sha256:0123456789abcdef")), frozenset([IMAGE, "sha256:0123456789abcdef",
     "sha256:5409"]))),
    (deploy.test_clean_images, (API, container(), (before("a", image_id="sha256:5409"),),
     frozenset(["sha256:5409"]))),
    (compose_file.test_variables, (SHOP, ComposeFile(path="c.yaml", unset=("A", "B")))),
    (compose_file.test_services, (SHOP, ComposeFile(path="c.yaml",
     services={"other": ComposeService(), "api": ComposeService()}, inactive={"web": ("debug",
     "all")}), Gate("pre", ("api", "new")), Warnings())),
    (compose_file.test_image, (environment(services={"api": {"image": "shop:2"}}).services["api"],
     ComposeService())),
    (compose_file.test_published, (environment(services={"api": {"publish": ["80",
     "443"]}}).services["api"], ComposeService(published=("81", "82:443")))),
    (compose_file.test_published, (environment(services={"api": {"publish": []},
     "web": {"publish": ["1"]}}).services["api"], ComposeService(published=("81",)))),
    (compose_file.test_published,
     (environment(services={"api": {"publish": ["80"]}}).services["api"], ComposeService())),
    (compose_file.test_subnet, (API, ComposeService(networks=("a", "b", "c")),
     ComposeFile(path="c", subnets={"a": ("172.20.0.0/16", "fd00::/64")}), {"a": ("10.0.0.0/8",
     ), "b": ("172.30.0.0/16",)}, environment(network={"subnet": "172.20.0.0/16"}))),
    (compose_file.test_subnet, (API, ComposeService(network_mode="host"), ComposeFile(path="c"),
     {}, environment(network={"subnet": "172.20.0.0/16"}))),
    (compose_file.test_subnet, (API, ComposeService(), ComposeFile(path="c"), {},
     environment(network={"subnet": "172.20.0.0/16"}))),
    (compose_file.test_log_driver,
     (environment(services={"api": {"logging": {"driver": "local"}}}).services["api"],
     ComposeService(), "json-file")),
    (compose_file.test_log_driver,
     (environment(services={"api": {"logging": {"driver": "local"}}}).services["api"],
     ComposeService(log_driver="syslog"), "local")),
    (compose_file.test_log_driver,
     (environment(services={"api": {"logging": {"driver": "local"}}}).services["api"],
     ComposeService(), "local")),
    (compose_file.test_health_check, (API, ComposeService(), False)),
    (compose_file.test_health_check, (API, ComposeService(health_check=False), False)),
    (compose_file.test_secrets, (environment(services={"api": {"secrets": ["a", "b", "c"]}},
     secrets={"directory": "./s"}).services["api"], ComposeService(secrets=("/run/secrets/b",
     )), environment(services={"api": {"secrets": ["a", "b", "c"]}},
     secrets={"directory": "./s"}))),
    (compose_file.test_cpu_limit, (limited(cpus=1.5), ComposeService())),
    (predeploy.test_variables, (SHOP, ("A", "B"))),
    (predeploy.test_secrets, (SHOP, ("A", "B"))),
    (predeploy.test_volumes, (environment(volumes={"a": {"external": True},
     "b": {"external": True}, "c": {"external": True}}), frozenset("c"))),
    (predeploy.test_services, (SHOP, Gate("pre", ("apy", "api", "wep")))),
    (predeploy.test_order, (SHOP, Gate("pre", ("proxy", "web", "api")))),
    (predeploy.test_order, (SHOP, Gate("pre", ("db", "api", "web")))),
    (predeploy.test_proxy_last, (SHOP.nginx, Gate("pre", ("proxy", "api", "web")), SHOP)),
    (predeploy.test_proxy_last, (SHOP.nginx, Gate("pre", ("api", "db")), SHOP)),
    (predeploy.test_proxy_last, (SHOP.nginx, Gate("pre", ("db",)), SHOP)),
    (predeploy.test_disk, (SHOP.host, Capacity(total=100 * GIB, free=8 * GIB, where="/data"),
     {"api": NewImage(name="a", present=False, replaced_size=2 * GIB),
     "web": NewImage(name="b", present=False, replaced_size=2 * GIB), "db": NewImage(name="b",
     present=True, replaced_size=2 * GIB), "new": NewImage(name="c", present=False)},
     Warnings())),
    (predeploy.test_disk, (SHOP.host, Capacity(total=100 * GIB, free=4 * GIB, where="/data"),
     {"api": NewImage(name="a", present=False, replaced_size=1)}, Warnings())),
    (predeploy.test_disk, (SHOP.host, Capacity(total=100 * GIB, free=8 * GIB, where="/data"),
     {"api": NewImage(name="a", present=False, replaced_size=3 * GIB)}, Warnings())),
    (predeploy.test_memory, (limited(memory="1G"), Capacity(total=GIB, free=GIB))),
    (predeploy.test_memory, (limited(memory="1G"), Capacity(total=GIB, free=GIB - 1))),
    (predeploy.test_limits_together, (SHOP.host, MACHINE,
     environment(services={"api": {"limits": {"cpus": 4, "memory": "4G"}},
     "web": {"limits": {"cpus": 2, "memory": "2G"}, "instances": 2}}))),
    (predeploy.test_limits_together, (SHOP.host, MACHINE,
     environment(services={"api": {"limits": {"cpus": 4.5}}, "web": {"limits": {"cpus": 2,
     "memory": "2G"}, "instances": 2}}))),
    (predeploy.test_limits_together, (SHOP.host, MACHINE,
     environment(services={"api": {"limits": {"memory": "5G"}}, "web": {"limits": {"cpus": 2,
     "memory": "2G"}, "instances": 2}}))),
    (rollback.test_image, (API, LONG, (before("a", image_id="sha256:0123456789abcdef"),
     before("b", image_id="sha256:1123456789abcdef")))),
    (rollback.test_image, (API, LONG, (before("a", image="shop:0",
     image_id="sha256:0123456789abcdef"),))),
    (rollback.test_configuration, (API, container(creation=created(config_hash="c",
     compose_files=("/a", "/b"))), (before("a", config_hash="b"), before("b",
     config_hash="a")))),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), cases(CALLS, "gates.yaml"))
def test_what_it_says(call: Call, expected: Said) -> None:
    assert says(call) == expected


def test_variables_without_a_file_of_them() -> None:
    file = ComposeFile(path="c.yaml", unset=("A", "B"), has_variables=False)
    assert unknown(compose_file.test_variables, SHOP, file) == (
        "A, B unset here, where there is no .env: run the gate with the variables of the deploy, "
        "or name their file with --compose-env-file"
    )


@pytest.mark.parametrize(
    ("name", "field", "others"),
    [
        ("image", "image", ()),
        ("cpu_limit", "cpus", ()),
        ("memory_limit", "memory", ()),
        ("published", "published", ()),
        ("subnet", "networks", (ComposeFile(path="c.yaml"), {}, SHOP)),
        ("log_driver", "log_driver", ("json-file",)),
        ("log_rotation", "log_max_size", ()),
        ("health_check", "health_check", (False,)),
        ("restart_policy", "restart", ()),
        ("secrets", "secrets", (SHOP,)),
    ],
)
def test_what_depends_on_an_unset_variable(name: str, field: str, others: Sequence[Any]) -> None:
    check = getattr(compose_file, f"test_{name}")
    assert unknown(check, API, ComposeService(unset={field: ("TAG",)}), *others) == (
        "it depends on TAG, unset here: run the gate with the variables of the deploy, "
        "or name their file with --compose-env-file"
    )


def test_driver_of_an_engine_that_does_not_say_it() -> None:
    service = environment(services={"api": {"logging": {"driver": "local"}}}).services["api"]
    assert unknown(compose_file.test_log_driver, service, ComposeService(), "") == (
        "it names none, and the default of the engine was not observed"
    )


@pytest.mark.parametrize("now", ["", "c"])
def test_configuration_that_compose_did_not_make(now: str) -> None:
    observed = container(creation=created(config_hash=now))
    hashes = (before("a", config_hash="b"), before("b", config_hash="" if now else "a"))
    assert unknown(rollback.test_configuration, API, observed, hashes) == (
        "Compose did not create it, so its configuration is unknown"
    )


def test_warnings_before_a_deploy() -> None:
    file = ComposeFile(
        path="c", services={each: ComposeService() for each in (*SHOP.services, "x", "y")}
    )
    warn = Warnings()
    compose_file.test_services(SHOP, file, Gate("pre"), warn)
    assert warn == [
        "shop services of the compose file: expected all declared, observed not verified: x, y"
    ]
    warn = Warnings()
    new = {name: NewImage(name=name, present=False) for name in ("a", "b")}
    predeploy.test_disk(SHOP.host or SHOP, Capacity(total=1, free=1, where="/"), new, warn)
    assert warn == [
        "host disk for new images: expected an estimated size, "
        "observed none for a, b, which replace no image"
    ]


SAME = (10.0,) * 8
# Half of the answers are slower, and the median is one of them.
SOMETIMES = (10.0,) * 45 + (20.0,) * 55


@pytest.mark.parametrize(
    ("before_it", "after_it", "warning"),
    [
        ((10.0,) * 5, (20.0,) * 5,
         "observed degraded, 20 ms (medians; p 0.002, Cliff's delta 1.00)"),
        ((10.0,) * 4, (20.0,) * 8, ""),
        ((10.0,) * 8, (20.0,) * 4, ""),
        ((100.0,) * 8, (120.0,) * 8, ""),
        ((100.0,) * 8, (121.0,) * 8, "observed degraded, 121 ms"),
        (SAME, SAME, ""),
        ((20.0,) * 8, (10.0,) * 8, ""),
        # The difference is felt, but is not large, or may be chance.
        (((10.0,) * 55 + (20.0,) * 45) * 10, SOMETIMES * 10, ""),
        ((10.0, 11.0, 12.0, 13.0, 14.0), (9.5, 16.0, 17.0, 18.0, 19.0), ""),
    ],
)  # fmt: skip
def test_latency_after_a_deploy(
    before_it: tuple[float, ...], after_it: tuple[float, ...], warning: str
) -> None:
    warn = Warnings()
    deploy.test_latency(SHOP.routes["home"], after_it, before_it, warn)
    assert len(warn) == bool(warning)
    assert warning in "".join(warn)
    assert "".join(warn).startswith("home latency: expected as before, 1" if warning else "")
