"""TLS handshakes: the certificate of a server that answers, or why there is none."""

import socket

import pytest
import trustme

from stackproof.environment.model import Environment
from stackproof.facts.tls import Certificate, Handshake
from stackproof.probes.http import tls
from stackproof.probes.http.tls import TlsClient
from stackproof.unobserved import UnobservedError
from tests.probes.http.sites import serving


def _handshake(address: str) -> Handshake:
    environment = Environment.model_validate(
        {
            "name": "shop",
            "services": {"web": {}},
            "routes": {"home": {"url": "https://shop.example/", "service": "web"}},
            "resolve": {"*:443": address},
            "tls": {},
        }
    )
    return TlsClient(environment).handshake(environment.tls_hosts["shop.example"])


def test_a_certificate_that_is_not_trusted_is_seen_all_the_same() -> None:
    certificate = trustme.CA().issue_cert("shop.example")
    with serving(lambda _: (200, {}, b""), certificate) as site:
        handshake = _handshake(site.address)
    assert handshake.refused == "unable to get local issuer certificate"
    assert isinstance(handshake.certificate, Certificate)
    assert handshake.certificate.names == ("shop.example",)
    assert handshake.version == "TLSv1.3"
    assert handshake.obsolete is None


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        handshake = _handshake(f"127.0.0.1:{server.getsockname()[1]}")
    assert handshake == Handshake(error="no answer within 0.2 s")


def test_a_port_that_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert _handshake(f"127.0.0.1:{port}") == Handshake(error="connection refused")


def test_no_connection_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(address: object, timeout: float) -> socket.socket:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", never)
    with pytest.raises(UnobservedError, match="no connection within 2 s"):
        _handshake("127.0.0.1:443")
