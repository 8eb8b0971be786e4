"""An entry in the engine's list of containers, and the addresses in it."""

from typing import Any

import pytest

from stackproof.engine.answer import Answer
from stackproof.facts.container import Endpoint
from stackproof.probes.containers.listing import parse_listed

ID = "c0ffee00" * 8
IPV4 = {"IPAddress": "172.20.0.2", "IPPrefixLen": 16, "Gateway": "172.20.0.1"}
IPV6 = {
    "GlobalIPv6Address": "fd00:77::2",
    "GlobalIPv6PrefixLen": 64,
    "IPv6Gateway": "fd00:77::1",
}
NONE = {"IPAddress": "", "IPPrefixLen": 0, "Gateway": "", "GlobalIPv6Address": ""}
AT_IPV4 = Endpoint(address="172.20.0.2", prefix=16, gateway="172.20.0.1")
AT_IPV6 = Endpoint(address="fd00:77::2", prefix=64, gateway="fd00:77::1")


@pytest.mark.parametrize(
    ("networks", "address", "endpoints"),
    [
        ({"a": IPV4}, "172.20.0.2", (AT_IPV4,)),
        ({"a": {**NONE, **IPV6}}, "fd00:77::2", (AT_IPV6,)),
        ({"a": {**IPV4, **IPV6}}, "172.20.0.2", (AT_IPV4, AT_IPV6)),
        ({"a": IPV6, "b": IPV4}, "172.20.0.2", (AT_IPV4, AT_IPV6)),
        ({"a": NONE, "b": IPV6}, "fd00:77::2", (AT_IPV6,)),
        (
            {"internal": {"IPAddress": "172.20.0.2"}},
            "172.20.0.2",
            (Endpoint(address="172.20.0.2", prefix=0, gateway=""),),
        ),
        ({"a": NONE}, "", ()),
        ({}, "", ()),
        (None, "", ()),
    ],
)
def test_addresses(
    networks: dict[str, Any] | None, address: str, endpoints: tuple[Endpoint, ...]
) -> None:
    raw = {"Id": ID, "State": "running", "NetworkSettings": {"Networks": networks}}
    listed = parse_listed(Answer(raw))
    assert (listed.address, listed.endpoints) == (address, endpoints)


@pytest.mark.parametrize(
    ("state", "expected"),
    [("running", "running"), ("stopped", "exited"), ("configured", "created"), ("odd", "odd")],
)
def test_states_of_podman(state: str, expected: str) -> None:
    assert parse_listed(Answer({"Id": ID, "State": state})).state == expected
