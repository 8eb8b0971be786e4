"""Requests as a route or a health endpoint declares them: method, body, headers, WebSocket, TLS."""

import base64
import hashlib
import socket
import ssl
from typing import Any

import pytest
import trustme

from stackproof.environment.model import Environment
from stackproof.environment.routes import Route
from stackproof.facts.response import Response
from stackproof.fixtures.session.facts.store import is_repeatable
from stackproof.probes.declaration import Need, Target
from stackproof.probes.http.body_limits import body_limit
from stackproof.probes.http.client import Client
from stackproof.probes.http.container_http import _health_client, container_route
from stackproof.probes.http.latency import latency
from stackproof.probes.http.responses import response
from tests.probes.http.sites import serving

BODY = '{"query": "{ health }"}'


def _received(send: bytes, seen: list[bytes], **route: Any) -> Response:
    """Request a route of a server that sends fixed bytes, and keep what it received."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        from threading import Thread

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                request = connection.recv(65536)
                while b"Content-Length: " in request and not request.endswith(BODY.encode()):
                    request += connection.recv(65536)
                seen.append(request)
                connection.sendall(send)

        thread = Thread(target=serve)
        thread.start()
        # By a name, so that the connection is an override.
        url = f"http://shop.test:{server.getsockname()[1]}/api"
        overrides = {f"*:{server.getsockname()[1]}": f"127.0.0.1:{server.getsockname()[1]}"}
        declared = Route.model_validate({"name": "api", "url": url, "service": "api", **route})
        client = Client(overrides, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        answered = client.request(declared)
        thread.join()
        return answered


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_method_body_and_headers() -> None:
    seen: list[bytes] = []
    headers = {"Content-Type": "application/json", "X-Api-Key": "6f0e1b7c2a"}
    answered = _received(OK, seen, method="POST", body=BODY, headers=headers)
    assert answered.status == 200
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api HTTP/1.1\r\n")
    assert {b"content-type: application/json", b"x-api-key: 6f0e1b7c2a"} <= set(
        head.lower().split(b"\r\n")
    )
    assert body == BODY.encode()


def _switching(key: str, **headers: str) -> bytes:
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()  # noqa: S324
    fields = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Accept": base64.b64encode(digest).decode(),
        **headers,
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    return "\r\n".join(["HTTP/1.1 101 Switching Protocols", *lines, "", ""]).encode()


KEY = base64.b64encode(b"stackproof probe").decode()
PLAIN = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "error"),
    [
        (_switching(KEY), 101, None),
        (_switching("another"), None, "101 with a wrong Sec-WebSocket-Accept"),
        (_switching(KEY, **{"Sec-WebSocket-Accept": ""}), None, "101 with a wrong"),
        (_switching(KEY, Upgrade="h2c"), None, "101 without an Upgrade to websocket"),
        (PLAIN, 400, None),
        (OK, 200, None),
    ],
)
def test_websocket(sent: bytes, status: int | None, error: str | None) -> None:
    seen: list[bytes] = []
    answered = _received(sent, seen, websocket=True)
    assert answered.status == status
    assert (answered.error or "").startswith(error or "")
    assert (answered.error is None) == (error is None)
    assert {
        b"connection: upgrade", b"upgrade: websocket", b"sec-websocket-version: 13",
        f"sec-websocket-key: {KEY}".lower().encode(),
    } <= set(seen[0].lower().split(b"\r\n"))  # fmt: skip


def test_stream() -> None:
    seen: list[bytes] = []
    sent = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"
    answered = _received(sent, seen, stream=True)
    assert (answered.stream, answered.body) == ("ended", "data: 1\n\n")
    assert b"accept: text/event-stream" in seen[0].lower().split(b"\r\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_request_that_may_change_something_is_not_repeated(method: str) -> None:
    environment = _environment(method)
    assert not is_repeatable(environment, Need(response, "api"))
    assert not is_repeatable(environment, Need(latency, "api"))
    assert latency.observe(Target(environment, "api"), _never, None, None) == ()
    assert not is_repeatable(environment, Need(body_limit, "api"))
    assert is_repeatable(_environment("HEAD"), Need(response, "api"))


@pytest.mark.parametrize("stays", ["websocket", "stream"])
def test_a_connection_that_stays_is_not_requested_for_its_latency(stays: str) -> None:
    environment = _environment("GET", **{stays: True})
    assert latency.observe(Target(environment, "api"), _never, None, None) == ()


def _environment(method: str, **more: Any) -> Environment:
    route = {"url": "http://shop.test/", "service": "api", "method": method, **more}
    return Environment.model_validate(
        {"name": "shop", "services": {"api": {}}, "routes": {"api": route}}
    )


def _never(*_: object) -> Response:
    raise AssertionError("it was requested")


HEALTH: dict[str, dict[str, Any]] = {
    "a declared host": {"host": "app.test"},
    "TLS that is not verified": {"scheme": "https", "verify": False},
    "TLS that is verified": {"scheme": "https", "host": "app.test"},
    "TLS of another name": {"scheme": "https", "host": "other.test"},
    "TLS of the address": {"scheme": "https"},
}


@pytest.mark.parametrize(
    ("declared", "status", "host"),
    [
        ("a declared host", 200, "app.test"),
        ("TLS that is not verified", 200, None),
        ("TLS that is verified", 200, "app.test"),
        ("TLS of another name", None, None),
        ("TLS of the address", None, None),
    ],
)
def test_health(
    declared: str, status: int | None, host: str | None, authority: trustme.CA, tmp_path: Any
) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    certificate = authority.issue_cert("app.test") if "TLS" in declared else None
    with serving(lambda _: (200, {}, b"ok"), certificate) as site:
        health = {"path": "/health", "port": site.server_port, **HEALTH[declared]}
        # Loopback is no container's address, except in the host's network.
        service = {"health": health, "network_mode": "host"}
        environment = Environment.model_validate(
            {"name": "shop", "services": {"app": service}, "ca_file": str(ca_file)}
        )
        target = Target(environment, "app")
        route = container_route(target.service, "")
        assert target.service.health
        client = _health_client(target, target.service.health, route, "")
        assert client
        answered = client.request(route)
        assert answered.status == status
        assert (answered.error or "").startswith("" if status else "TLS certificate refused")
        if status:
            assert site.requests == [(host or site.address, "/health")]


def test_plain_health_uses_the_common_client() -> None:
    environment = Environment.model_validate(
        {"name": "shop", "services": {"app": {"health": {"path": "/", "port": 80}}}}
    )
    target = Target(environment, "app")
    assert target.service.health
    route = container_route(target.service, "172.20.0.5")
    assert _health_client(target, target.service.health, route, "172.20.0.5") is None
