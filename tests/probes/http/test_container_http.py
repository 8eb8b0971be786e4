"""Requests go to the container's own address, and only if that means this machine."""

import platform
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from stackproof.engine.transport import Peer
from stackproof.environment.model import Environment
from stackproof.environment.services import Service
from stackproof.facts.container import Endpoint, ListedContainer
from stackproof.facts.machine import Machine
from stackproof.facts.response import Hop, Response
from stackproof.probes.declaration import Target
from stackproof.probes.engine_session import EngineSession, require_local_engine
from stackproof.probes.http import listening
from stackproof.probes.http.container_http import (
    can_be_a_containers,
    container_route,
    parse_models,
    request_container,
)
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError

LEADS_TO_IT = "a container's own address leads to it"
TARGET = Target(
    Environment.model_validate(
        {"name": "shop", "services": {"ollama": {"ports": [11434], "health": {"path": "/up"}}}}
    ),
    "ollama",
)
OLLAMA = Service.model_validate(
    {"name": "ollama", "container": "vpn-ollama", "ports": [11434], "health": {"path": "/up"}}
)


def machine(name: str) -> Machine:
    return Machine(engine_version="28.0.0", cpus=2, memory=Bytes(1), cgroup_version="2", name=name)


def answer(body: str) -> Response:
    hop = Hop(url="http://172.20.0.2:11434/api/tags", status=200, location=None)
    return Response(hops=(hop,), body=body, elapsed_ms=1)


@pytest.mark.parametrize(
    ("path", "address", "url"),
    [
        ("", "172.20.0.2", "http://172.20.0.2:11434/up"),
        ("/api/tags", "172.20.0.2", "http://172.20.0.2:11434/api/tags"),
        ("", "fd00::2", "http://[fd00::2]:11434/up"),
    ],
)
def test_url(path: str, address: str, url: str) -> None:
    assert container_route(OLLAMA, address, path=path).url == url


def test_no_address() -> None:
    with pytest.raises(UnobservedError, match=r"^vpn-ollama has no address of its own"):
        container_route(OLLAMA, "")


def test_declared_network_of_the_host() -> None:
    on_host = OLLAMA.model_copy(update={"network_mode": "host"})
    assert container_route(on_host, "").url == "http://127.0.0.1:11434/up"


def test_here() -> None:
    require_local_engine(machine(platform.node()), "", LEADS_TO_IT)


@pytest.mark.parametrize(
    ("name", "why", "message"),
    [
        ("docker-desktop", "", f"the engine's is docker-desktop, and this is {platform.node()}"),
        (platform.node(), "its socket is served by 'ssh'", "its socket is served by 'ssh'"),
    ],
)
def test_elsewhere(name: str, why: str, message: str) -> None:
    with pytest.raises(UnobservedError) as reason:
        require_local_engine(machine(name), why, LEADS_TO_IT)
    assert str(reason.value) == (
        "a container's own address leads to it only on the engine's machine, "
        f"which may be another one: {message}"
    )


class Client:
    """Records the URLs of requests instead of sending them."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    def request(self, route: Any, *_: Any) -> Response:
        self.urls.append(route.url)
        return answer("")


class Local:
    """A connection to an engine of this machine."""

    address = "unix:///run/docker.sock"
    link = None
    peer: Peer | None = None


OWN = frozenset({"172.20.0.1", "fd00::1"})
BRIDGE = Endpoint(address="172.20.0.2", prefix=16, gateway="172.20.0.1")
IPV6 = Endpoint(address="fd00::2", prefix=64, gateway="fd00::1")
MACVLAN = Endpoint(address="192.0.2.9", prefix=24, gateway="192.0.2.1")


def _session(
    monkeypatch: pytest.MonkeyPatch, endpoints: Sequence[Endpoint], peer: Peer | None
) -> EngineSession:
    """A local engine with a container that has these addresses."""
    monkeypatch.setattr("stackproof.engine.locality.why_elsewhere", lambda *_: "")
    connection = Local()
    connection.peer = peer
    there = ListedContainer(
        id="c0ffee", state="running", project="", service="", networks=(),
        address=endpoints[0].address, endpoints=tuple(endpoints),
    )  # fmt: skip
    by_instance = {"ollama": "vpn-ollama"}
    return EngineSession(connection, {"vpn-ollama": there}, by_instance)  # type: ignore[arg-type]


def _requested(
    monkeypatch: pytest.MonkeyPatch, *endpoints: Endpoint, peer: Peer | None = None, **of: Any
) -> list[str]:
    """Return the URLs that are requested of a container, whose ports are connected to as well."""
    session, client = _session(monkeypatch, endpoints, peer), Client()
    engine = machine(platform.node()).model_copy(update=of)
    monkeypatch.setattr(listening, "_connect_here", lambda *at: connected.append(at))
    connected: list[tuple[str, int]] = []
    with suppress(UnobservedError):
        listening.listening.observe(TARGET, session, engine, OWN)
    try:
        request_container(session, engine, OWN, TARGET, client)  # type: ignore[arg-type]
    except UnobservedError:
        assert not client.urls  # nothing was sent
        assert not connected
        raise
    assert len(connected) == len(client.urls) == 1
    return client.urls


@pytest.mark.parametrize(
    ("endpoints", "host"),
    [
        ([BRIDGE], "172.20.0.2"),
        ([BRIDGE, IPV6], "172.20.0.2"),
        ([IPV6], "[fd00::2]"),
        ([MACVLAN, BRIDGE], "172.20.0.2"),
    ],
)
def test_the_address_in_a_network_of_this_machine(
    endpoints: list[Endpoint], host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _requested(monkeypatch, *endpoints) == [f"http://{host}:11434/up"]


def test_nothing_is_sent_to_a_network_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnobservedError, match=r"^its address leads elsewhere"):
        _requested(monkeypatch, MACVLAN)


def test_nothing_is_sent_to_a_container_of_a_rootless_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another engine of this machine may have a network with the same addresses."""
    with pytest.raises(UnobservedError, match=r"only where the engine runs, which is rootless$"):
        _requested(monkeypatch, BRIDGE, rootless=True)


@pytest.mark.skipif(not Path("/proc/self/ns/net").exists(), reason="needs Linux's namespaces")
def test_nothing_is_sent_to_a_network_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["unshare", "--user", "--net", "sh", "-c", "echo; exec cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        if not process.stdout.readline():
            pytest.skip("may not make namespaces here")
        peer = Peer(process.pid, 0)
        with pytest.raises(UnobservedError, match=r"which is in a network namespace of its own$"):
            _requested(monkeypatch, BRIDGE, peer=peer)
        process.stdin.close()
    assert _requested(monkeypatch, BRIDGE, peer=peer)  # it has ended: not established
    assert _requested(monkeypatch, BRIDGE, peer=Peer(0, 0))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::",  # noqa: S104
        "169.254.169.254", "fe80::1", "fe80::1%eth0",
        "fd00::2%eth0", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "fd00:ec2::254", "fd00:0ec2:0::254", "100.100.100.200", "localhost",
        "example.com", "172.20.0.2:80", "172.20.0.2/health", "172.20.0.2@example.com", "0x7f.1",
        "2130706433", "172.20.0.02", "172.20.0.2\n", " 172.20.0.2", "[fd00::2]", "x" * 100_000,
    ],
)  # fmt: skip
def test_no_address_of_a_container(address: str) -> None:
    assert not can_be_a_containers(address)
    with pytest.raises(
        UnobservedError, match=r"^the engine reported an unusable address '"
    ) as reason:
        container_route(OLLAMA, address)
    assert len(str(reason.value)) < 120


@pytest.mark.parametrize("address", ["172.20.0.2", "11.0.0.2", "fd00::2", "2a01:4f8::2"])
def test_an_address_of_a_container(address: str) -> None:
    assert can_be_a_containers(address)


def test_models() -> None:
    assert parse_models(answer('{"models": [{"name": "a:1b", "size": 1}, {"name": "b:2"}]}')) == {
        "a:1b",
        "b:2",
    }
    assert parse_models(answer('{"models": []}')) == frozenset()


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"models": null}', '{"models": [{"size": 1}]}'])
def test_no_list_of_models(body: str) -> None:
    with pytest.raises(UnobservedError, match=r"answered 200, and no list of models$"):
        parse_models(answer(body))
