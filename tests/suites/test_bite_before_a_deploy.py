"""The checks of the pre gate, by what they say of a deploy that must not begin."""

from pathlib import Path
from typing import Any

import pytest

from environments.sizes import Bytes
from fixtures.compose_file import ComposeFile, ComposeService
from fixtures.facts import Facts
from fixtures.host import HostState, Room
from fixtures.images import NewImage
from fixtures.observation import Unobserved
from fixtures.proxy import Location, ServerBlock
from tests.suites import shop
from tests.suites.command_line import Ran
from tests.suites.shop import GIB, MIB

ROUTES = {
    "home": {"url": "http://shop.example/", "service": "web"},
    "api": {"url": "http://shop.example/api", "service": "api"},
}
SHOP: dict[str, Any] = {
    "compose_file": "compose.yaml",
    "host": {},
    "network": {"subnet": "172.20.0.0/16"},
    "logging": {"driver": "json-file", "max_size": "10M"},
    "secrets": {"directory": "./secrets"},
    "services": {
        "nginx": {"ports": [443], "publish": [443]},
        "api": {
            "image": "shop/api:2", "restart": "always", "healthcheck": "required",
            "limits": {"cpus": 1.5, "memory": "512M"}, "secrets": ["db"],
        },
        "web": {},
        "redis": {},
    },
    "routes": ROUTES,
    "nginx": {"service": "nginx"},
    "deploy": {"order": ["api", "web", "nginx"], "scaled": ["api"]},
}  # fmt: skip
PLAIN = ComposeService(
    image="shop/api:2", networks=("shop_default",), log_driver="json-file",
    log_max_size=Bytes(10 * MIB),
)  # fmt: skip
API = PLAIN.model_copy(
    update={
        "cpus": 1.5, "memory": Bytes(512 * MIB), "health_check": True, "restart": "always",
        "secrets": ("/run/secrets/db",),
    }
)  # fmt: skip
NGINX = PLAIN.model_copy(update={"published": ("443",)})
FILE = ComposeFile(
    path="/opt/shop/compose.yaml",
    services={"nginx": NGINX, "api": API, "web": PLAIN, "redis": PLAIN},
    subnets={"shop_default": ("172.20.0.0/16",)},
)
IMAGE = NewImage(name="shop/api:2", present=True, has_health_check=True)
ABSENT = IMAGE.model_copy(
    update={"present": False, "has_health_check": None, "replaced_size": 3 * GIB}
)
GOOD = "api,web,nginx"


CONTAINERS = {
    name: shop.container(name=name, health=shop.health("healthy") if name == "api" else None)
    for name in SHOP["services"]
}
PROXY = shop.PROXY.model_copy(
    update={
        "servers": (
            ServerBlock(
                names=("shop.example",), ports=(80,), default_ports=(), returns=None,
                locations=(
                    Location(modifier="", path="/", passes_to=("web:5000",)),
                    Location(modifier="", path="/api", passes_to=("api:5000",)),
                ),
            ),
        ),
        "addresses": {name: each.addresses["shop_default"] for name, each in CONTAINERS.items()},
    }
)  # fmt: skip


def facts(**changes: Any) -> Facts:
    """All is well now, and what the deploy needs is there."""
    seen = {
        "containers": CONTAINERS,
        "responses": {name: shop.answered((each["url"], 200)) for name, each in ROUTES.items()},
        "commands": {"nginx_test nginx": shop.said("nginx -t", 0, "syntax is ok")},
        "proxies": {"nginx": PROXY},
        "compose_file": FILE,
        "new_images": dict.fromkeys(SHOP["services"], IMAGE),
        "missing_secrets": (),
        "unset_variables": (),
    }
    return shop.facts(**{**seen, **changes})


def file(**services: Any) -> ComposeFile:
    """The compose file with changes to its services."""
    changed = {
        name.replace("_", "-"): FILE.services[name].model_copy(update=changes)
        for name, changes in services.items()
    }
    return FILE.model_copy(update={"services": {**FILE.services, **changed}})


def judged(
    folder: Path, observed: Facts, services: str = GOOD, environment: dict[str, Any] = SHOP
) -> Ran:
    return shop.replay(
        folder, environment, observed, "-m", "shop and (predeploy or compose_file or critical)",
        "--gate=pre", f"--services={services}",
    )  # fmt: skip


def told(ran: Ran) -> dict[str, str]:
    return {name: " ".join(said) for name, said in ran.told("shop").items()}


def test_a_good_deploy(tmp_path: Path) -> None:
    ran = judged(tmp_path, facts())
    assert (ran.exit_code, told(ran)) == (0, {})
    assert ran.verdict("shop")["gate"] == "pre"


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ("redis", {}),
        ("web,nginx", {}),
        ("redis,api,nginx", {}),
        (
            "api,web",
            {"predeploy.proxy_last[nginx]": "FAIL nginx in the deploy: expected last, "
             "for it routes to api, web, observed not in it"},
        ),
        (
            "nginx,web",
            {"predeploy.proxy_last[nginx]": "FAIL nginx in the deploy: expected last, "
             "for it routes to web, observed before web"},
        ),
        (
            "web,api,nginx",
            {"predeploy.order[shop]": "FAIL shop deploy order: expected api, web, "
             "observed web, api"},
        ),
        (
            "apy,database-manager",
            {
                "predeploy.services[shop]": "FAIL shop services to deploy: expected declared "
                "ones, observed apy (the nearest is api), database-manager (the nearest is nginx)",
                "compose_file.services[shop]": "FAIL shop services of the compose file: expected "
                "all that are declared or deployed, observed no apy, no database-manager",
            },
        ),
    ],
)  # fmt: skip
def test_the_list_of_services(tmp_path: Path, services: str, expected: dict[str, str]) -> None:
    ran = judged(tmp_path, facts(), services)
    assert told(ran) == expected
    assert ran.exit_code == (1 if expected else 0)


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (
            file(api={"memory": None, "cpus": 2.0}),
            {
                "compose_file.memory_limit[api]": "FAIL api memory limit in the compose file: "
                "expected 512 MiB, observed none",
                "compose_file.cpu_limit[api]": "FAIL api CPU limit in the compose file: "
                "expected 1.5, observed 2",
            },
        ),
        (
            file(redis={"published": ("127.0.0.1:6379",)}),
            {"compose_file.published[redis]": "FAIL redis published ports in the compose file: "
             "expected none, observed 127.0.0.1:6379"},
        ),
        (
            file(nginx={"published": ()}),
            {"compose_file.published[nginx]": "FAIL nginx published ports in the compose file: "
             "expected 443, observed none"},
        ),
        (
            file(api={"image": "shop/api", "restart": "no", "secrets": ()}),
            {
                "compose_file.image[api]": "FAIL api image in the compose file: "
                "expected shop/api:2, observed shop/api",
                "compose_file.restart_policy[api]": "FAIL api restart policy in the compose "
                "file: expected always, observed no",
                "compose_file.secrets[api]": "FAIL api secrets in the compose file: "
                "expected db, observed no /run/secrets/db",
            },
        ),
        (
            file(web={"log_driver": "", "log_max_size": None}),
            {
                "compose_file.log_driver[web]": "FAIL web log driver in the compose file: "
                "expected json-file, observed none",
                "compose_file.log_rotation[web]": "FAIL web log max-size in the compose file: "
                "expected 10 MiB, observed none",
            },
        ),
        (
            file(web={"networks": (), "network_mode": "host"}),
            {"compose_file.subnet[web]": "FAIL web subnet in the compose file: "
             "expected 172.20.0.0/16, observed host"},
        ),
        (
            FILE.model_copy(update={"subnets": {"shop_default": ("10.0.0.0/8", "fd00::/64")}}),
            {
                f"compose_file.subnet[{name}]": f"FAIL {name} subnet in the compose file: "
                "expected 172.20.0.0/16, observed 10.0.0.0/8"
                for name in SHOP["services"]
            },
        ),
        (
            FILE.model_copy(update={"subnets": {"shop_default": ()}}),
            {
                f"compose_file.subnet[{name}]": f"FAIL {name} subnet in the compose file: "
                "expected 172.20.0.0/16, observed none"
                for name in SHOP["services"]
            },
        ),
        # The engine has the network that the file does not make.
        (FILE.model_copy(update={"subnets": {}}), {}),
        (
            file(api={"health_check": False}),
            {"compose_file.health_check[api]": "FAIL api health check in the compose file: "
             "expected one, observed switched off"},
        ),
        (file(api={"health_check": None}), {}),
        (
            file(api={"container_name": "shop-api"}, web={"container_name": "shop-web"}),
            {"predeploy.container_name[api]": "FAIL api container_name in the compose file: "
             "expected none, for it is scaled to two instances, observed shop-api"},
        ),
        (
            FILE.model_copy(update={"unset": ("REGISTRY", "TAG")}),
            {"compose_file.variables[shop]": "FAIL shop variables of the compose file: "
             "expected set, observed REGISTRY, TAG unset"},
        ),
    ],
)  # fmt: skip
def test_the_compose_file(tmp_path: Path, read: ComposeFile, expected: dict[str, str]) -> None:
    assert told(judged(tmp_path, facts(compose_file=read))) == expected


def test_a_compose_file_that_is_not_valid(tmp_path: Path) -> None:
    said = "services.api.cpus must be a number"
    invalid = ComposeFile(path="/opt/shop/compose.yaml", problem=said)
    ran = judged(tmp_path, facts(compose_file=invalid))
    outcomes = told(ran)
    assert ran.exit_code == 1
    assert (
        outcomes.pop("compose_file.valid[shop]")
        == f"FAIL shop compose file: expected valid, observed {said}"
    )
    assert set(outcomes.values()) == {"UNKNOWN could not look: the compose file is not valid"}


def test_no_compose_to_read_it(tmp_path: Path) -> None:
    ran = judged(tmp_path, facts(compose_file=Unobserved(reason="there is no Compose v2 here")))
    assert ran.exit_code == 6
    assert set(told(ran).values()) == {"UNKNOWN could not look: there is no Compose v2 here"}
    assert "predeploy.order[shop]" not in told(ran)


def test_a_health_check_that_is_up_to_an_image_that_is_not_here(tmp_path: Path) -> None:
    seen = facts(compose_file=file(api={"health_check": None}), new_images={
        **dict.fromkeys(SHOP["services"], IMAGE), "api": ABSENT
    })  # fmt: skip
    assert told(judged(tmp_path, seen)) == {
        "compose_file.health_check[api]": "UNKNOWN could not look: "
        "the health check is up to shop/api:2, which could not be read"
    }


def test_what_the_deploy_needs(tmp_path: Path) -> None:
    environment = {**SHOP, "deploy": {**SHOP["deploy"], "required_variables": ["HOST", "KEY"]}}
    seen = facts(unset_variables=("KEY",), missing_secrets=("db",))
    assert told(judged(tmp_path, seen, environment=environment)) == {
        "predeploy.variables[shop]": "FAIL shop variables of the deploy: expected HOST, KEY set, "
        "observed KEY unset",
        "predeploy.secrets[shop]": "FAIL shop files of the secrets: expected on the engine's "
        "machine, observed no file of db",
    }


def images(**changes: Any) -> dict[str, Any]:
    return {**dict.fromkeys(SHOP["services"], IMAGE), **changes}


def test_an_image_that_is_nowhere(tmp_path: Path) -> None:
    refused = ABSENT.model_copy(update={"refused": "manifest unknown"})
    seen = facts(new_images=images(api=refused, redis=refused))
    assert told(judged(tmp_path, seen)) == {
        "predeploy.image[api]": "FAIL api new image: expected shop/api:2 at the engine or its "
        "registry, observed manifest unknown"
    }


def test_a_registry_that_does_not_answer(tmp_path: Path) -> None:
    unseen = Unobserved(reason="shop/api:2 at its registry: no such host")
    ran = judged(tmp_path, facts(new_images=images(api=unseen)))
    assert ran.exit_code == 6
    assert told(ran) == dict.fromkeys(
        ("predeploy.image[api]", "predeploy.disk[host]"),
        "UNKNOWN could not look: shop/api:2 at its registry: no such host",
    )


def host(**changes: Any) -> HostState:
    return shop.HOST.model_copy(update=changes)


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (8 * GIB, {}),
        (
            8 * GIB - 1,
            {"predeploy.disk[host]": "FAIL host disk for new images: expected 3 GiB beside the 5% "
             "that must stay free, observed 3.0 GiB"},
        ),
    ],
)  # fmt: skip
def test_disk_for_new_images(tmp_path: Path, free: int, expected: dict[str, str]) -> None:
    disk = Room(total=100 * GIB, free=free, where="/")
    seen = facts(new_images=images(api=ABSENT), host=host(disk=disk))
    assert told(judged(tmp_path, seen)) == expected


def test_a_new_image_that_replaces_none(tmp_path: Path) -> None:
    seen = facts(new_images=images(api=ABSENT.model_copy(update={"replaced_size": None})))
    ran = judged(tmp_path, seen)
    assert ran.exit_code == 0
    (check,) = (e for e in ran.verdict("shop")["checks"] if e["id"] == "predeploy.disk[host]")
    assert check["warnings"] == [
        "host disk for new images: expected a size to reckon with, "
        "observed none for api, which replace nothing"
    ]


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (512 * MIB, {}),
        (
            511 * MIB,
            {"predeploy.memory[api]": "FAIL api memory for a second instance: "
             "expected 512 MiB available, observed 511 MiB"},
        ),
    ],
)  # fmt: skip
def test_memory_for_a_second_instance(tmp_path: Path, free: int, expected: dict[str, str]) -> None:
    memory = Room(total=8 * GIB, free=free)
    assert told(judged(tmp_path, facts(host=host(memory=memory)))) == expected


@pytest.mark.parametrize(
    ("declared", "limits", "expected"),
    [
        ({}, {"cpus": 8, "memory": "8G"}, None),
        ({"overcommit": True}, {"cpus": 9, "memory": "9G"}, None),
        (
            {},
            {"cpus": 8, "memory": "8.5G"},
            "FAIL host limits together: expected at most the machine's 8 CPUs and 8 GiB, "
            "observed 8 CPUs and 8.5 GiB",
        ),
        (
            {},
            {"cpus": 8.5, "memory": "8G"},
            "FAIL host limits together: expected at most the machine's 8 CPUs and 8 GiB, "
            "observed 8.5 CPUs and 8 GiB",
        ),
    ],
)
def test_limits_together(
    tmp_path: Path, declared: dict[str, Any], limits: dict[str, Any], expected: str | None
) -> None:
    environment = {"host": declared, "services": {"api": {"limits": limits}}}
    api = ComposeService(cpus=limits["cpus"], memory=Bytes.parse(limits["memory"]))
    read = ComposeFile(path="/opt/shop/compose.yaml", services={"api": api})
    seen = facts(compose_file=read, new_images={"api": IMAGE})
    assert told(judged(tmp_path, seen, "api", environment)).get(
        "predeploy.limits_together[host]"
    ) == expected  # fmt: skip


def test_limits_together_only_warn_where_nothing_is_deployed(tmp_path: Path) -> None:
    environment = {"host": {}, "services": {"api": {"limits": {"cpus": 8.5}}}}
    ran = shop.replay(tmp_path, environment, facts(), "-k", "host")
    assert ran.told("shop") == {}
    line = "shop limits together: expected at most the machine's 8 CPUs and 8 GiB, observed "
    told = {each["id"]: each["warnings"] for each in ran.verdict("shop")["checks"]}
    assert told["host.memory[host]"] == [f"{line}8.5 CPUs and 0 B"]
    assert not [check for check in told if check.startswith("predeploy.")]
