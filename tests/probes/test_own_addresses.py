"""Whether the network of a container is one of the engine's machine."""

import platform

import pytest

from stackproof.engine.machine_commands import run_here
from stackproof.environment.model import Environment
from stackproof.facts.container import Endpoint
from stackproof.probes import own_addresses
from stackproof.probes.declaration import Target
from stackproof.probes.own_addresses import parse, reachable_address
from stackproof.unobserved import UnobservedError

PRINTED = """\
           |-- 127.0.0.1
              /32 host LOCAL
--
              |-- 172.31.250.1
                 /32 host LOCAL
00000000000000000000000000000001 01 80 10 80       lo
fd000077000000000000000000000001 03 40 00 80 br-444931597b4e
"""
OWN = frozenset({"127.0.0.1", "172.31.250.1", "::1", "fd00:77::1"})


def at(address: str, prefix: int = 24, gateway: str = "") -> Endpoint:
    return Endpoint(address=address, prefix=prefix, gateway=gateway)


def test_the_tables_of_the_kernel() -> None:
    assert parse(PRINTED) == OWN


@pytest.mark.skipif(platform.system() != "Linux", reason="reads Linux's /proc")
def test_of_this_machine() -> None:
    shop = Environment.model_validate({"name": "shop", "services": {"api": {}}})
    here = own_addresses.own_addresses.observe(Target(shop))
    assert "127.0.0.1" in here
    assert here == parse(run_here(own_addresses._COMMAND))


def test_no_addresses() -> None:
    with pytest.raises(UnobservedError, match=r"cannot be read \(/proc/net\)$"):
        parse("")


@pytest.mark.parametrize(
    ("endpoints", "address"),
    [
        ([at("172.31.250.2", gateway="172.31.250.1")], "172.31.250.2"),
        ([at("fd00:77::2", 64, "fd00:0077:0::1")], "fd00:77::2"),
        # An internal network has no gateway.
        ([at("172.31.250.2")], "172.31.250.2"),
        # The first is of an overlay network, whose gateway is no address of this machine.
        ([at("10.0.1.5", gateway="10.0.1.1"), at("172.31.250.2")], "172.31.250.2"),
    ],
)
def test_an_own_network(endpoints: list[Endpoint], address: str) -> None:
    assert reachable_address(endpoints, OWN) == address


@pytest.mark.parametrize(
    "endpoint",
    [
        at("172.18.0.2", 16, "172.18.0.1"),  # in a namespace of the engine, or on another machine
        at("172.18.0.2", 16),
        at("172.31.250.2", gateway="172.31.250.254"),  # macvlan: a router's
        at("172.31.250.2", 0),
        at("172.31.250.2", 99),
        at("172.31.250.2", gateway="here"),
        at("nowhere"),
    ],
)
def test_a_network_elsewhere(endpoint: Endpoint) -> None:
    with pytest.raises(UnobservedError, match=r"^its address leads elsewhere: "):
        reachable_address([endpoint], OWN)
