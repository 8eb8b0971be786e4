"""Whether ports are closed from outside: real sockets on loopback."""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from stackproof.environment.model import Environment
from stackproof.probes.http import ports
from stackproof.probes.http.ports import is_open, is_reachable
from stackproof.unobserved import UnobservedError

Server = Callable[..., int]


@pytest.fixture
def server() -> Iterator[Server]:
    """Start a server and return its port; a full one drops new connections."""
    with ExitStack() as stack:

        def start(*, full: bool = False) -> int:
            listening = stack.enter_context(
                socket.create_server(("127.0.0.1", 0), backlog=0 if full else 8)
            )
            for _ in range(3 if full else 0):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(listening.getsockname())
            port: int = listening.getsockname()[1]
            return port

        yield start


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def shop(
    port: int, published: int | None = None, resolve: dict[str, str] | None = None
) -> Environment:
    return Environment.model_validate(
        {
            "name": "shop",
            "services": {
                "api": {"ports": [5000], "publish": [str(published)] if published else []}
            },
            "outside": {"host": "127.0.0.1", "closed_ports": [port]},
            "resolve": resolve or {},
        }
    )


def knocked(environment: Environment) -> bool:
    (port,) = environment.closed_ports.values()
    return is_open(environment, port, is_reachable(environment))


def test_open(server: Server) -> None:
    assert knocked(shop(server())) is True


def test_refused(closed: int) -> None:
    assert knocked(shop(closed)) is False


def test_where_the_environment_says(server: Server, closed: int) -> None:
    elsewhere = f"127.0.0.1:{server()}"
    assert knocked(shop(closed, resolve={f"127.0.0.1:{closed}": elsewhere})) is True


def test_dropped_by_a_server_that_answers_elsewhere(
    server: Server, closed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "PORT_CONNECT_SECONDS", 0.2)
    assert knocked(shop(server(full=True), server())) is False
    assert knocked(shop(server(full=True), closed)) is False, "a refusal is an answer too"


def test_dropped_by_a_server_that_answers_nowhere(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "PORT_CONNECT_SECONDS", 0.2)
    for environment in (shop(server(full=True)), shop(server(full=True), server(full=True))):
        with pytest.raises(
            UnobservedError, match=r"^127\.0\.0\.1 answers at none of its published"
        ):
            knocked(environment)


@pytest.mark.parametrize("reached", [True, False])
def test_a_firewall_that_says_so(reached: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def prohibited(*_: object, **__: object) -> None:
        raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))

    monkeypatch.setattr(socket, "create_connection", prohibited)
    environment = shop(5432)
    (port,) = environment.closed_ports.values()
    if reached:
        assert is_open(environment, port, reached) is False
    else:
        with pytest.raises(UnobservedError, match="host unreachable: No route to host"):
            is_open(environment, port, reached)


def test_a_network_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    monkeypatch.setattr(socket, "create_connection", missing)
    with pytest.raises(UnobservedError, match="host unreachable: Network is unreachable"):
        knocked(shop(5432, 443))


def test_whose_port_it_is() -> None:
    environment = shop(5000)
    assert environment.closed_ports["5000"].service == "api"
    assert shop(2375).closed_ports["2375"].service == ""
