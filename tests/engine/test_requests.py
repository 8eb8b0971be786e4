"""What a call sends, and where: no redirects, no settings of the user, no other paths."""

import errno
import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from stackproof.engine import client
from stackproof.engine.client import BODY_CAP, EngineClient
from stackproof.engine.image_path import image_path
from stackproof.probes.machine import machine
from stackproof.unobserved import ConnectionLostError, UnobservedError
from tests.engine.conftest import Serve
from tests.engine.fake_engine import answering, fake_engine, of_json
from tests.probes.http.sites import serving


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 304])
def test_a_redirect_is_not_followed(status: int, served: Serve) -> None:
    with serving(lambda _: (200, {}, b"{}")) as elsewhere:
        location = {"Location": f"http://{elsewhere.address}/latest/meta-data"}
        with (
            served(lambda: (status, location, b"a secret of that address")) as (connection, server),
            pytest.raises(UnobservedError) as why,
        ):
            machine.observe(None, connection)
        assert str(why.value) == (
            f"engine {server.address}: status {status}, a redirect, which is not followed"
        )
        assert elsewhere.requests == []


@pytest.mark.parametrize("scheme", ["unix", "tcp"])
def test_the_users_settings_are_not_sent(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No credentials from netrc, proxy variables, Docker's settings or cookies."""
    proxy = socket.create_server(("127.0.0.1", 0))
    where = f"http://127.0.0.1:{proxy.getsockname()[1]}"
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, where)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    (tmp_path / ".netrc").write_text("default login me password planted-netrc\n")
    (tmp_path / ".netrc").chmod(0o600)
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(
        '{"HttpHeaders": {"X-Planted": "planted-header"}, "proxies": {"default": {"httpProxy": '
        f'"{where}"}}}}, "auths": {{"localhost": {{"auth": "bWU6cGxhbnRlZA=="}}}}}}'
    )
    cookie = {"Set-Cookie": "session=planted-cookie"}
    answer = (200, {"Api-Version": "1.41", **cookie}, b"{}")
    allowed = {"host", "user-agent", "accept-encoding", "content-type", "content-length"}
    if scheme == "unix":
        with fake_engine(tmp_path, lambda _: answer) as server:
            client = EngineClient(server.address)
            client.list_containers()
            client.get("/info")
            client.post("/containers/x/exec", {})
            sent = [request.headers for request in server.requests]
        assert [headers.keys() - allowed for headers in sent] == [set()] * 3
    else:
        with serving(lambda _: answer) as site:
            client = EngineClient(f"tcp://{site.address}")
            client.list_containers()
            client.get("/info")
            assert site.requests == [
                (site.address, "/containers/json?all=1"), (site.address, "/v1.41/info"),
            ]  # fmt: skip
            assert site.cookies == [None, None]
    proxy.setblocking(False)
    with proxy, pytest.raises(BlockingIOError):
        proxy.accept()


@pytest.mark.parametrize(
    "image",
    [
        "../../secret", "x/../../containers", "x?all=1", "x#y", "x y", "x\r\nHost: evil", "", "/x",
        "x//y", "-x", "x/.", "x\x00", "%2e%2e/x", "x/%2e%2e", "é", "a" * 600,
    ],
)  # fmt: skip
def test_an_image_name_that_is_another_path(image: str, served: Serve) -> None:
    with served(lambda: of_json({})) as (connection, server):
        with pytest.raises(UnobservedError, match=r"^unusable image name "):
            image_path(image)
        assert [request.path for request in server.requests] == ["/containers/json?all=1"]
        connection.close()


@pytest.mark.parametrize(
    "image",
    ["nginx", "nginx:1.27", "library/nginx", "registry.example.com:5000/team/app:v1_2-3",
     "app@sha256:" + "0f" * 32, "sha256:" + "0f" * 32],
)  # fmt: skip
def test_an_image_name(image: str) -> None:
    assert image_path(image) == image


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """An engine's socket, at which a test accepts the connections itself."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "engine.sock"))
        server.listen()
        server.settimeout(20)
        yield server


def _list_containers(client: EngineClient, listener: socket.socket, ahead: int) -> ExitStack:
    """List the containers; return the connections that were open before the engine answered."""
    accepted = ExitStack()
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.list_containers, connect_ahead=ahead)
        first = accepted.enter_context(listener.accept()[0])
        assert first.recv(4096).startswith(b"GET /containers/json?all=1 HTTP/1.1\r\n")
        for _ in range(ahead):
            accepted.enter_context(listener.accept()[0])
        first.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\n[]")
        assert call.result().value == []
    return accepted


def test_connections_are_opened_ahead_during_the_first_call(listener: socket.socket) -> None:
    client = EngineClient(f"unix://{listener.getsockname()}")
    with _list_containers(client, listener, 2):
        client.close()


@pytest.mark.parametrize("tells_unread", [True, False])
def test_connections_opened_ahead_are_used(
    tells_unread: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> bytes:
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))

    if not tells_unread:
        monkeypatch.setattr(fcntl, "ioctl", unsupported)  # as on a system other than Linux
    with fake_engine(tmp_path, answering({})) as engine:
        client = EngineClient(engine.address)
        client.list_containers(connect_ahead=2)
        calls = [client.stream("/containers/json", BODY_CAP) for _ in range(3)]
        for call in calls:
            next(call)
        assert engine.connections == 3
        client.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what the engine has not read")
def test_no_connection_is_opened_ahead_if_the_first_is_refused(listener: socket.socket) -> None:
    client = EngineClient(f"unix://{listener.getsockname()}")
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.list_containers, connect_ahead=2)
        with listener.accept()[0] as refused:
            assert refused.recv(1, socket.MSG_PEEK)  # sent, but not read
        with pytest.raises(ConnectionLostError, match=r": connection reset by peer$"):
            call.result()
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_an_engine_that_does_not_read(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ENGINE_CALL_SECONDS", 0.1)
    with pytest.raises(UnobservedError, match=r": no answer within 0.1 s$"):
        EngineClient(f"unix://{listener.getsockname()}").list_containers(connect_ahead=2)


def test_a_connection_that_ended_before_its_first_call(listener: socket.socket) -> None:
    path = Path(listener.getsockname())
    client = EngineClient(f"unix://{path}")
    _list_containers(client, listener, 2).close()
    path.unlink()
    with fake_engine(path, answering({})) as engine:
        client.list_containers()
        assert engine.connections == 1
        client.close()
