"""Facts before a deploy of which all is well, and what the pre gate makes of them."""

from pathlib import Path
from typing import Any

from stackproof.facts.compose_file import ComposeFile, ComposeService
from stackproof.facts.image import NewImage
from stackproof.facts.machine import HostState
from stackproof.facts.snapshot import Facts
from stackproof.sizes import Bytes
from tests import shop
from tests.command_line import Ran
from tests.shop import GIB, MIB

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
        "destinations": {
            name: shop.leads(f"{each['service']}:5000") for name, each in ROUTES.items()
        },
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


def results(ran: Ran) -> dict[str, str]:
    return {name: " ".join(said) for name, said in ran.results("shop").items()}


def images(**changes: Any) -> dict[str, Any]:
    return {**dict.fromkeys(SHOP["services"], IMAGE), **changes}


def host(**changes: Any) -> HostState:
    return shop.HOST.model_copy(update=changes)
