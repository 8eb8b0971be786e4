"""What Compose files say of mounts, networks, commands and rights, in the fields of a service."""

import os
from typing import Any

import pytest

from stackproof.environment.container_settings import DeclaredMount
from stackproof.environment.loader import load
from stackproof.environment.model import Environment
from tests.environment.compose.conftest import Load

COMPOSE = """
name: shop
services:
  web:
    image: app
    command: sh -c "echo $$HOME"
    entrypoint: [/init]
    user: "1000:1000"
    read_only: true
    cap_drop: [ALL]
    cap_add: [NET_BIND_SERVICE]
    security_opt: ["no-new-privileges:true"]
    pids_limit: 100
    ulimits: {nofile: {soft: 1024, hard: 2048}, nproc: 512, core: 0}
    devices: ["/dev/null:/dev/mynull:r", "/dev/zero"]
    shm_size: 128m
    extra_hosts: ["db.example:10.1.2.3", "v6:::1"]
    tmpfs: ["/tmp:size=1m,ro"]
    volumes: ["./conf:/etc/app:ro", "data:/data", "/cache", "own:/own", "/srv/x:/x"]
    networks: {front: {}, back: {aliases: [primary]}, proxy: {}}
    deploy: {resources: {reservations: {devices: [
      {driver: nvidia, count: all, capabilities: [gpu]}]}}}
  worker: {image: app, command: [], entrypoint: [], gpus: all,
           deploy: {resources: {limits: {pids: 50}}}}
  client: {image: app, network_mode: "service:web"}
  job: {image: app, network_mode: none, volumes_from: [web]}
networks: {front: , back: {internal: true, ipam: {config: [{subnet: 172.30.0.0/24}]}},
           proxy: {external: true}}
volumes: {data: , own: {external: true, name: prod_own}}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "compose.yaml").write_text(COMPOSE, encoding="utf-8")
    (folder / "shop.yaml").write_text("compose: {files: compose.yaml}", encoding="utf-8")
    return load("shop", folder, {"PATH": os.environ["PATH"]}, offline=True)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("command", ("sh", "-c", "echo $HOME")),
        ("entrypoint", ("/init",)),
        ("user", "1000:1000"),
        ("read_only", True),
        ("cap_drop", ("ALL",)),
        ("cap_add", ("NET_BIND_SERVICE",)),
        ("no_new_privileges", True),
        ("devices", ("/dev/null:/dev/mynull:r", "/dev/zero:/dev/zero:rwm")),
        ("shm_size", 128 << 20),
        ("aliases", {"shop_back": ("primary",)}),
    ],
)
def test_field(shop: Environment, field: str, expected: Any) -> None:
    assert getattr(shop.services["web"], field) == expected


def test_limits(shop: Environment) -> None:
    web, worker = shop.services["web"], shop.services["worker"]
    assert (web.limits.pids, worker.limits.pids) == (100, 50)
    assert {name: str(each) for name, each in (web.ulimits or {}).items()} == {
        "nofile": "1024:2048", "nproc": "512", "core": "0"
    }  # fmt: skip
    (gpu,) = web.gpus or ()
    assert (gpu.driver, gpu.count, gpu.capabilities) == ("nvidia", -1, ("gpu",))
    (gpu,) = worker.gpus or ()
    assert (gpu.driver, gpu.count, gpu.capabilities) == ("", -1, ("gpu",))


def test_mounts(shop: Environment) -> None:
    web, job = shop.services["web"], shop.services["job"]
    assert web.mounts == {
        "/etc/app": DeclaredMount(
            kind="bind", source=f"{shop.origin.project_directory}/conf", read_only=True
        ),
        "/data": DeclaredMount(source="shop_data", read_only=False),
        "/cache": DeclaredMount(read_only=False),
        "/own": DeclaredMount(source="prod_own", read_only=False),
        "/x": DeclaredMount(kind="bind", source="/srv/x", read_only=False),
        "/tmp": DeclaredMount(kind="tmpfs", read_only=True),  # noqa: S108
    }
    assert job.mounts is None, "they are those of another service"
    assert list(shop.data_mounts(web)) == ["/data", "/own"]
    assert {name: each.external for name, each in shop.volumes.items()} == {
        "shop_data": False, "prod_own": True
    }  # fmt: skip


def test_networks(shop: Environment) -> None:
    web = shop.services["web"]
    assert set(web.networks or ()) == {"shop_front", "shop_back", "proxy"}
    assert {
        name: (each.internal, each.external, each.subnets) for name, each in shop.networks.items()
    } == {
        "shop_front": (False, False, ()),
        "shop_back": (True, False, ("172.30.0.0/24",)),
        "proxy": (None, True, ()),
        "shop_default": (False, False, ()),
    }
    assert set(shop.services["worker"].networks or ()) == {"shop_default"}


def test_network_mode(shop: Environment) -> None:
    client, job = shop.services["client"], shop.services["job"]
    assert (client.network_mode, client.networks, client.has_own_network) == (
        "service:web", None, False
    )  # fmt: skip
    assert (job.network_mode, job.networks) == ("none", None)


def test_command_that_is_empty(shop: Environment) -> None:
    """The engine then runs the image's command, but no entrypoint."""
    worker = shop.services["worker"]
    assert (worker.command, worker.entrypoint) == (None, ())
    assert (shop.services["client"].command, shop.services["client"].entrypoint) == (None, None)


def test_what_depends_on_unset_variables(stack: Load) -> None:
    shop = stack(
        "name: shop\nservices: {web: {image: app, networks: [net], volumes: ['data:/data'], "
        "command: [serve, $MODE], user: $OWNER, cap_drop: [ALL]}}\n"
        "networks: {net: {name: $NET, external: true}}\nvolumes: {data: {name: x$VOLUME}}"
    )
    web = shop.services["web"]
    assert (web.networks, web.mounts, web.command, web.user) == (None, None, None, "")
    assert web.cap_drop == ("ALL",)
    assert (shop.networks, shop.volumes) == ({}, {})


def test_a_list_of_variables_is_read_like_a_table(stack: Load) -> None:
    shop = stack(
        "services: {web: {image: app, environment: [A=1, B=a=b, 'C=$X', D, 'E=${E:-1}']}}",
        variables={"D": "1"},
    )
    variables = shop.services["web"].variables
    assert {name: each.origin for name, each in variables.items()} == {
        "A": "file", "B": "file", "D": "deploy", "E": "deploy"
    }  # fmt: skip
