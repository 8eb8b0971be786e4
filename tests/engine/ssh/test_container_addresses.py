"""Containers of an engine behind sshd, at their own addresses."""

import socket
from pathlib import Path
from threading import Thread

import pytest

from stackproof.engine.connection import Connection, connect
from stackproof.environment.model import Environment
from stackproof.facts.container import Endpoint, ListedContainer
from stackproof.facts.machine import Machine
from stackproof.probes.containers import exchanges
from stackproof.probes.declaration import Target
from stackproof.probes.engine_session import EngineSession
from stackproof.probes.http import container_http
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError
from tests.engine.fake_engine import FakeEngine
from tests.engine.ssh.conftest import Serving, engine
from tests.engine.ssh.test_engine import DIAL_STDIO, without_forwarding
from tests.probes.http.sites import serving as serving_http
from tests.sshd import Sshd


def _on(port: int) -> Target:
    api = {"health": {"path": "/health"}, "ports": [port]}
    shop = Environment.model_validate({"name": "shop", "services": {"api": api}})
    return Target(shop, "api")


OWN = frozenset({"127.0.0.1"})
FAR = Machine(engine_version="28.0.0", cpus=2, memory=Bytes(1), cgroup_version="2", name="far")


@pytest.fixture
def at_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accept the server's own address as that of a container."""
    monkeypatch.setattr(container_http, "can_be_a_containers", bool)


def _reached(connection: Connection) -> EngineSession:
    there = ListedContainer(
        id="c0ffee", state="running", project="", service="", networks=(),
        address="127.0.0.1", endpoints=(Endpoint(address="127.0.0.1", prefix=8, gateway=""),),
    )  # fmt: skip
    return EngineSession(connection, {"api": there}, {"api": "api"})


@pytest.mark.usefixtures("at_loopback")
def test_a_container_at_its_own_address(sshd: Sshd, far: FakeEngine) -> None:
    reached = _reached(connect(engine(sshd)))
    client = container_http.direct_client.observe(None)
    with serving_http(lambda _: (200, {}, b"well")) as site:
        service = _on(site.server_port)
        answer = container_http.request_container(reached, FAR, OWN, service, client)
        assert (answer.body, answer.error) == ("well", None)
    gone = container_http.request_container(reached, FAR, OWN, service, client)
    assert (gone.hops, gone.error, gone.failure) == ((), "connection refused", "refused")
    sshd.drop()
    assert (
        container_http.request_container(reached, FAR, OWN, service, client).error
        == "connection refused"
    )
    reached.connection.close()


@pytest.mark.usefixtures("at_loopback")
def test_a_datastore_at_its_containers_address(sshd: Sshd, far: FakeEngine) -> None:
    reached = _reached(connect(engine(sshd)))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        shop = Environment.model_validate(
            {
                "name": "shop",
                "services": {"api": {}},
                "datastores": {"memcached": {"api": {"port": port}}},
            }
        )

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                assert connection.recv(100) == b"stats\r\n"
                connection.sendall(b"STAT pid 1\r\nEND\r\n")

        Thread(target=serve).start()
        target = Target(shop, "api")
        stats = exchanges.DATASTORE_EXCHANGES["memcached_stats"]
        reply = stats.observe(target, reached, FAR, OWN)
        assert (reply.text, reply.error) == ("STAT pid 1\r\nEND\r\n", "")
    assert stats.observe(target, reached, FAR, OWN).error == "connection refused"
    reached.connection.close()


@pytest.mark.usefixtures("at_loopback")
def test_a_connection_lost_during_a_request(sshd: Sshd, far: FakeEngine) -> None:
    reached = _reached(connect(engine(sshd)))
    client = container_http.direct_client.observe(None)

    def drop(_: str) -> tuple[int, dict[str, str], bytes]:
        sshd.drop()
        return 200, {}, b"too late"

    with (
        serving_http(drop) as site,
        pytest.raises(UnobservedError, match=r"the ssh connection was lost t"),
    ):
        container_http.request_container(reached, FAR, OWN, _on(site.server_port), client)
    reached.connection.close()


@pytest.mark.usefixtures("at_loopback")
def test_sshd_without_forwarding(serving: Serving, far: FakeEngine, tmp_path: Path) -> None:
    with without_forwarding(serving, tmp_path, far.path, DIAL_STDIO, PermitOpen="none") as sshd:
        reached = _reached(connect(engine(sshd)))
        with pytest.raises(UnobservedError, match=r"its sshd does not allow forwarding"):
            container_http.request_container(
                reached, FAR, OWN, _on(5000), container_http.direct_client.observe(None)
            )
        reached.connection.close()
