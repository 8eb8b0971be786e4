"""Errors of an unreachable engine, in one line each."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stackproof.engine import client
from stackproof.engine.client import NotFoundError
from stackproof.engine.connection import connect, inspect_container
from stackproof.environment.machine import Engine
from stackproof.facts.container import ListedContainer
from stackproof.probes.containers.listing import list_containers
from stackproof.probes.machine import machine
from stackproof.unobserved import UnobservedError
from tests.probes.http.sites import Answer, Site, serving

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
ID = "c0ffee00" * 8
VERSION = {"Api-Version": "1.41"}
NO_CONTAINERS = (200, VERSION, b"[]")


def _refusal(address: str) -> str:
    with pytest.raises(UnobservedError) as reason:
        connect(Engine(address=address))
    return str(reason.value)


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield server


def test_no_socket(tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/none.sock"
    assert _refusal(address) == f"engine {address}: no such file or directory"


def test_connection_refused_by_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "stale.sock"
    with _listening(path):
        pass  # its file stays
    assert _refusal(f"unix://{path}") == f"engine unix://{path}: connection refused"


@contextmanager
def _unprivileged() -> Iterator[None]:
    """Run the block as an unprivileged user: root is never denied."""
    user = os.geteuid()
    if user != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_permission_denied(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with _listening(path):
        path.chmod(0)
        with _unprivileged():
            message = _refusal(f"unix://{path}")
    assert message == f"engine unix://{path}: permission denied"


def test_an_engine_that_never_responds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ENGINE_CALL_SECONDS", 0.2)
    path = tmp_path / "engine.sock"
    with _listening(path):
        assert _refusal(f"unix://{path}") == f"engine unix://{path}: no answer within 0.2 s"


def test_connection_refused_by_an_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    assert _refusal(address) == f"engine {address}: connection refused"


@contextmanager
def _engine(**answers: Answer) -> Iterator[Site]:
    """Serve an engine on loopback, with responses by the last part of the path."""
    with serving(lambda path: answers[path.partition("?")[0].rpartition("/")[2]]) as site:
        yield site


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((500, JSON, b'{"message": "the engine is starting"}'), "the engine is starting"),
        ((403, {}, b"no entry"), "no entry"),
        ((500, {}, b"one line\nand another"), "one line"),
        # A proxy in front of the socket answers with a page, or with JSON of its own.
        ((403, HTML, b"<html><body><h1>403 Forbidden</h1>\nRequest"), "403 Forbidden"),
        ((403, HTML, b"\n  <!DOCTYPE html>\n<title>No</title>"), "403 Forbidden"),
        ((502, HTML, "\ufeff<html>".encode()), "502 Bad Gateway"),
        ((401, JSON, b'{"error": "who are you?"}'), "401 Unauthorized"),
        ((403, JSON, b'["no"]'), "403 Forbidden"),
        ((503, {}, b""), "503 Service Unavailable"),
        ((599, {}, b""), "status 599"),
        # Podman: more than one text.
        (
            (500, JSON, b'{"cause": "x", "message": "no such image", "response": 500}'),
            "no such image",
        ),
        (
            (400, {}, b"Client sent an HTTP request to an HTTPS server.\n"),
            "it expects TLS: declare engine.cert_path, or set DOCKER_TLS_VERIFY",
        ),
        (
            (200, {}, b"<html>"),
            "the engine's response is not JSON: expected value at line 1 column 1",
        ),
    ],
)
def test_an_error_response(answer: Answer, message: str) -> None:
    with _engine(json=answer) as site:
        address = f"tcp://{site.address}"
        assert _refusal(address) == f"engine {address}: {message}"


@pytest.mark.parametrize("version", ["1.23", "0.99", "v1.41", "1.41/../..", "2", "x" * 99, "1.²"])
def test_an_unknown_api_version(version: str) -> None:
    message = f"unknown API version {version[:20]!r}"
    body = json.dumps({"ApiVersion": version}).encode()
    with _engine(json=(200, {}, b"[]"), version=(200, JSON, body)) as site:
        address = f"tcp://{site.address}"
        assert _refusal(address) == f"engine {address}: {message}"
    if version.isascii():
        with _engine(json=(200, {"Api-Version": version}, b"[]")) as site:
            address = f"tcp://{site.address}"
            assert _refusal(address) == f"engine {address}: {message}"


def test_an_engine_that_states_its_version_only_when_asked() -> None:
    """Docker 1.12 is the oldest engine that is supported, and has no such header."""
    version = (200, JSON, b'{"ApiVersion": "1.24"}')
    info = (200, JSON, b"{}")
    with _engine(json=(200, {}, b"[]"), version=version, info=info) as site:
        engine = connect(Engine(address=f"tcp://{site.address}"))
        engine.call(lambda client: client.get("/info"))
        engine.close()
    assert [path for _, path in site.requests] == [
        "/containers/json?all=1",
        "/version",
        "/v1.24/info",
    ]


@pytest.mark.parametrize("body", [b"{}", b'{"ApiVersion": 1.41}', b"[]"])
def test_an_engine_without_a_version(body: bytes) -> None:
    with _engine(json=(200, {}, b"[]"), version=(200, JSON, body)) as site:
        address = f"tcp://{site.address}"
        message = _refusal(address)
    assert message.startswith(f"engine {address}: unexpected value in the engine's response")


def test_an_engine_over_tcp() -> None:
    running = b'[{"Id": "%s", "State": "running", "Names": ["/vpn-api"]}, {"Id": "%s", '
    running = running % (ID.encode(), ID[::-1].encode()) + b'"State": "removing", "Names": null}]'
    with _engine(json=(200, VERSION, running)) as site:
        engine = connect(Engine(address=f"tcp://{site.address}"))
        containers, unreadable = list_containers(engine)
        assert containers == {
            "vpn-api": ListedContainer(id=ID, state="running", project="", service="", networks=())
        }
        assert unreadable == {}
        assert list_containers(engine).containers == containers
        engine.close()
    assert [path for _, path in site.requests] == [
        "/containers/json?all=1",
        "/v1.41/containers/json?all=1",
    ]


def test_an_error_after_connecting() -> None:
    gone = (404, JSON, b'{"message": "No such container: c0ffee"}')
    broken = (500, JSON, b'{"message": "driver failed"}')
    answers = iter([NO_CONTAINERS, gone, broken])
    with serving(lambda _: next(answers)) as site:
        engine = connect(Engine(address=f"tcp://{site.address}"))
        with pytest.raises(NotFoundError, match=r"^No such container: c0ffee$"):
            inspect_container(engine, "c0ffee")
        with pytest.raises(UnobservedError, match=rf"^engine tcp://{site.address}: driver failed$"):
            machine.observe(None, engine)
        engine.close()


def test_an_engine_that_stopped() -> None:
    with _engine(json=NO_CONTAINERS) as site:
        engine = connect(Engine(address=f"tcp://{site.address}"))
    with pytest.raises(UnobservedError, match=rf"^engine tcp://{site.address}: connection "):
        machine.observe(None, engine)
    engine.close()


@pytest.mark.parametrize(
    "body", [b"", b"<html><h1>Not Found</h1></html>", b'{"error": "filtered"}']
)
def test_a_proxy_that_hides_a_path_says_nothing_about_the_container(body: bytes) -> None:
    answers = iter([NO_CONTAINERS, (404, HTML, body)])
    with serving(lambda _: next(answers)) as site:
        engine = connect(Engine(address=f"tcp://{site.address}"))
        with pytest.raises(UnobservedError, match=r": 404 Not Found$") as reason:
            inspect_container(engine, "c0ffee")
        assert not isinstance(reason.value, NotFoundError)
        engine.close()
