"""The checks of networks, of shared networks and of data fail where they should."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stackproof.engine.answer import Answer
from stackproof.environment.loader import load
from stackproof.facts.container import Container
from stackproof.facts.settings import Namespace
from stackproof.probes import networks as probe
from stackproof.suites.services import test_networks as suite
from tests import shop
from tests.command_line import Ran
from tests.shop import AT, created
from tests.suites.containers.test_checks_instances import finding_of

VPN_ID, GONE = "1f" * 32, "0a" * 32
NETWORKS = {"shop_back": ("172.30.0.0/24",), "shop_front": ("172.31.0.0/24", "fd00:31::/64")}


def sharing(namespace: Namespace | None, mode: str = f"container:{VPN_ID}") -> Container:
    """A container without a network of its own."""
    return shop.container(
        addresses={}, namespace=namespace, creation=created(network_mode=mode), health=None
    )


VPN = Namespace(
    id=VPN_ID, name="vpn", service="vpn", started_at=AT - timedelta(hours=1),
    addresses=("172.20.0.9",),
)  # fmt: skip
EXPECTED_VPN = "network mode: expected service:vpn, observed"

# By service: its network mode, its container, and what the check says of it.
MODES: Mapping[str, tuple[str, Container, str]] = {
    "client": ("service:vpn", sharing(VPN), ""),
    "client-of-another": (
        "service:vpn",
        sharing(VPN.model_copy(update={"name": "old-vpn", "service": ""})),
        f"{EXPECTED_VPN} container:old-vpn",
    ),
    "client-of-a-removed-one": (
        "service:vpn", sharing(Namespace(id=GONE)),
        f"{EXPECTED_VPN} that of the removed container 0a0a0a0a0a0a",
    ),
    "client-of-a-restarted-one": (
        "service:vpn", sharing(VPN.model_copy(update={"started_at": AT + timedelta(seconds=1)})),
        f"{EXPECTED_VPN} service:vpn as it was before vpn was started again",
    ),
    "client-with-its-own": ("service:vpn", shop.CONTAINER, f"{EXPECTED_VPN} shop_default"),
    "client-by-name": ("container:vpn-1", sharing(VPN.model_copy(
        update={"name": "vpn-1", "service": ""})), ""),
    "agent": ("host", sharing(None, "host"), ""),
    "job": ("none", sharing(None, "none"), ""),
    "no-job": ("none", sharing(None, "default"), "network mode: expected none, observed default"),
    "default": ("bridge", shop.container(creation=created(network_mode="default")), ""),
}  # fmt: skip


def _replay(
    folder: Path, containers: Mapping[str, Container], environment: dict[str, Any], **facts: Any
) -> Ran:
    named = {name: each.model_copy(update={"name": name}) for name, each in containers.items()}
    observed = shop.facts(
        containers=named, **{"networks": NETWORKS, "internal_networks": (), **facts}
    )
    return shop.replay(
        folder, environment, observed, "-k", "network and not containers and not aliases"
    )


@pytest.fixture(scope="module")
def modes(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    services: dict[str, Any] = {name: {"network_mode": each[0]} for name, each in MODES.items()}
    services |= {"vpn": {"publish": ["443"], "ports": [443]}, "undeclared": {}}
    containers = {name: each[1] for name, each in MODES.items()}
    containers |= {
        "vpn": shop.container(published={"443": 443}, addresses={"shop": ("172.20.0.9",)}),
        "undeclared": sharing(VPN),
    }
    environment = {"services": services, "network": {"subnet": "172.20.0.0/16"}}
    return _replay(
        tmp_path_factory.mktemp("modes"), containers, environment,
        networks={"shop": ("172.20.0.0/16",), "shop_default": ("172.20.0.0/16",)},
    )  # fmt: skip


def test_network_modes(modes: Ran) -> None:
    """Checks of addresses and ports are for the one that has them: vpn."""
    assert modes.results("shop") == {
        f"networks.network_mode[{name}]": ("FAIL", f"{name} {line}")
        for name, (_, _, line) in MODES.items()
        if line
    }
    cases = {each["id"] for each in modes.verdict("shop")["checks"]}
    assert {case for case in cases if case.startswith("network.")} == {
        "network.subnet[shop]", "network.attached[vpn]", "network.published[vpn]",
        "network.forwarded[vpn]", "network.attached[undeclared]", "network.published[undeclared]",
        "network.attached[default]", "network.published[default]",
    }  # fmt: skip


def test_hints_for_shared_networks(modes: Ran) -> None:
    """Compose keeps a container in the network of one that was replaced, unless it is forced."""
    hints = {
        each["subject"]: [
            hint["text"].removeprefix("docker compose -p shop ") for hint in each["hints"]
        ][-1]
        for each in modes.verdict("shop")["checks"]
        if each["outcome"] == "FAIL"
    }
    assert hints == {
        "client-of-another": "up -d --force-recreate client-of-another",
        "client-of-a-removed-one": "up -d --force-recreate client-of-a-removed-one",
        "client-of-a-restarted-one": "docker restart client-of-a-restarted-one",
        "client-with-its-own": "up -d client-with-its-own",
        "no-job": "up -d no-job",
    }


def test_a_stopped_client_of_a_removed_container(tmp_path: Path) -> None:
    """The engine cannot start it."""
    client = sharing(Namespace(id=GONE)).model_copy(update={"status": "exited", "name": "client"})
    environment = {"services": {"client": {"network_mode": "service:vpn"}, "vpn": {}}}
    observed = shop.facts(containers={"client": client, "vpn": shop.CONTAINER})
    ran = shop.replay(tmp_path, environment, observed, "-k", "test_running")
    checks = {each["id"]: each for each in ran.verdict("shop")["checks"]}
    assert [each["text"] for each in checks["containers.running[client]"]["hints"]] == [
        "docker compose -p shop up -d --force-recreate client", "docker logs --tail 50 client",
    ]  # fmt: skip


def test_declared_host_network_is_a_note(modes: Ran) -> None:
    checks = {each["id"]: each for each in modes.verdict("shop")["checks"]}
    assert checks["configuration.host_network[agent]"]["warnings"] == [
        "agent network mode: expected a network of its own, observed host"
    ]


def test_shared_network_in_an_old_snapshot(tmp_path: Path) -> None:
    environment = {"services": {"vpn": {}, "client": {"network_mode": "service:vpn"}}}
    containers = {"vpn": shop.CONTAINER, "client": sharing(None)}
    assert _replay(tmp_path, containers, environment).results("shop") == {
        "networks.network_mode[client]": (
            "UNKNOWN",
            "could not be evaluated: the container whose network it shares was not observed",
        )
    }


FRONT = {"shop_front": ("172.31.0.2",)}
DECLARED = {
    "shop_back": {"internal": True, "subnets": ["172.30.0.0/24"]},
    "shop_front": {"internal": False, "subnets": ["172.31.0.0/24"]},
}


@pytest.mark.parametrize(
    ("networks", "internal", "expected"),
    [
        (NETWORKS, ["shop_back"], {}),
        (
            NETWORKS,
            [],
            {"networks.internal": "network: expected internal, without a way out, "
             "observed one with a way out"},
        ),
        (
            {**NETWORKS, "shop_back": ("172.40.0.0/24",)}, ["shop_back"],
            {"networks.subnets": "subnets: expected 172.30.0.0/24, observed 172.40.0.0/24"},
        ),
        (
            {"shop_front": NETWORKS["shop_front"]}, [],
            {"networks.created": "network: expected one that exists, observed none",
             "networks.internal": "", "networks.subnets": ""},
        ),
    ],
    ids=["as-declared", "not-internal", "other-subnet", "missing"],
)  # fmt: skip
def test_networks(
    tmp_path: Path, networks: Any, internal: list[str], expected: dict[str, str]
) -> None:
    """Several networks, each with a subnet: each is compared with what is declared of it."""
    environment = {"services": {"web": {"networks": {"shop_front": None}}}, "networks": DECLARED}
    containers = {"web": shop.container(addresses=FRONT)}
    ran = _replay(
        tmp_path, containers, environment, networks=networks, internal_networks=tuple(internal)
    )
    unknown = ("UNKNOWN", "could not be evaluated: there is no network shop_back")
    assert ran.results("shop") == {
        f"{check}[shop_back]": ("FAIL", f"shop_back {line}") if line else unknown
        for check, line in expected.items()
    }


@pytest.mark.parametrize(
    ("joined", "red"),
    [
        (("shop_default", "shop_back"), {}),
        (("shop_default", "shop_front"), {"network.subnet[shop]": "172.20.0.0/16 (shop_default), "
                                          "172.31.0.0/24 (shop_front)"}),
        (("shop_back",), {"network.subnet[shop]": "none", "network.attached[web]": "172.30.0.1 in "
                          "shop_back"}),
    ],
    ids=["declared", "undeclared", "without-subnet"],
)  # fmt: skip
def test_subnet_next_to_declared_networks(
    tmp_path: Path, joined: tuple[str, ...], red: dict[str, str]
) -> None:
    networks = {"shop_default": ("172.20.0.0/16",), **NETWORKS}
    addresses = {name: (networks[name][0].replace("0/", "1/")[:-3],) for name in joined}
    environment = {
        "services": {"web": {}},
        "network": {"subnet": "172.20.0.0/16"},
        "networks": {"shop_back": {}},
    }
    containers = {"web": shop.container(addresses=addresses)}
    ran = _replay(tmp_path, containers, environment, networks=networks)
    observed = {
        id_: line.partition("observed ")[2] for id_, (_, line) in ran.results("shop").items()
    }
    assert observed == red


COMPOSE = """
name: shop
services: {web: {image: app, networks: [front]}}
networks:
  front:
    driver: bridge
    attachable: true
    enable_ipv6: false
    driver_opts: {com.docker.network.driver.mtu: 1400}
    ipam:
      config:
        - {subnet: 172.31.0.0/24, gateway: 172.31.0.254, ip_range: 172.31.0.128/25,
           aux_addresses: {printer: 172.31.0.5}}
        - {subnet: "fd00:31::/64", gateway: "fd00:31:0::1"}
"""
OBSERVED = {
    "Name": "shop_front", "Driver": "bridge", "EnableIPv6": False, "Attachable": True,
    "Options": {"com.docker.network.driver.mtu": "1400", "of.the.engine": "x"},
    "IPAM": {"Config": [
        {"Subnet": "172.31.0.0/24", "Gateway": "172.31.0.254/24", "IPRange": "172.31.0.128/25",
         "AuxiliaryAddresses": {"printer": "172.31.0.5"}},
        {"Subnet": "fd00:31::/64", "Gateway": "fd00:31::1"},
    ]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "product", "line"),
    [
        ({}, "Docker", ""),
        ({"Options": {}}, "Docker",
         "driver_opts com.docker.network.driver.mtu: expected 1400, observed none"),
        ({"Options": {}}, "Podman", ""),
        ({"Driver": "macvlan", "Attachable": False}, "Docker",
         "driver and attachable: expected bridge, true, observed macvlan, false"),
        ({"IPAM": {"Config": [{"Subnet": "172.31.0.0/24", "Gateway": "172.31.0.1"}]}}, "Docker",
         "ipam gateway.172.31.0.0/24 and ipam ip_range.172.31.0.0/24 and "
         "ipam aux_addresses.172.31.0.0/24.printer: expected 172.31.0.254, 172.31.0.128/25, "
         "172.31.0.5, observed 172.31.0.1, none, none"),
        ({"IPAM": {"Config": [{"Subnet": "10.9.0.0/24", "Gateway": "10.9.0.1"}]}}, "Docker", ""),
    ],
    ids=["same", "mtu", "mtu-on-podman", "driver", "gateway", "other-subnet"],
)  # fmt: skip
def test_network_options(tmp_path: Path, changes: dict[str, Any], product: str, line: str) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "shop.yaml").write_text("compose: {files: compose.yaml}")
    of = load("shop", tmp_path, {"PATH": os.environ["PATH"]}, offline=True)
    listed = Answer([{**OBSERVED, **changes}])
    arguments = (
        of.networks["shop_front"],
        probe.networks.observe(None, listed),
        probe.network_options.observe(None, listed),
        shop.MACHINE.model_copy(update={"product": product}),
    )
    if line:
        assert finding_of(suite.test_options, *arguments).headline == f"shop_front {line}"
    else:
        suite.test_options(*arguments)


def test_network_options_in_a_run(tmp_path: Path) -> None:
    environment = {
        "services": {"web": {"networks": {"shop_front": None}}},
        "networks": {"shop_front": {"options": {"driver": "macvlan"}}},
    }
    ran = _replay(
        tmp_path, {"web": shop.container(addresses=FRONT)}, environment,
        network_options={"shop_front": {"driver": "bridge"}},
    )  # fmt: skip
    assert ran.results("shop") == {
        "networks.options[shop_front]": (
            "FAIL", "shop_front driver: expected macvlan, observed bridge"
        )
    }  # fmt: skip
