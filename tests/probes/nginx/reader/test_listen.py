"""What a `listen` directive and a server block without one mean."""

import pytest

from stackproof.probes.nginx.configuration.listen import Listen, parse_listen
from stackproof.probes.nginx.configuration.model import parse
from stackproof.unobserved import UnobservedError
from tests.probes.nginx.test_configuration import WHOLE


@pytest.mark.parametrize(
    ("words", "address", "ports"),
    [
        ("80", "*", (80, 80)), ("*:81", "*", (81, 81)), ("0.0.0.0:81", "*", (81, 81)),
        ("[::]:81", "[::]", (81, 81)), ("[FD00::1]:81", "[fd00::1]", (81, 81)),
        ("Shop.test:81", "shop.test", (81, 81)), ("10.0.0.1:81", "10.0.0.1", (81, 81)),
        # An address alone.
        ("*", "*", (80, 80)), ("[::1]", "[::1]", (80, 80)),
        ("0.0.0.0", "*", (80, 80)),  # noqa: S104 - not bound here
        ("[fd00::81]", "[fd00::81]", (80, 80)), ("Localhost", "localhost", (80, 80)),
        # Ranges.
        ("8000-8010", "*", (8000, 8010)), ("10.0.0.1:1-65535", "10.0.0.1", (1, 65535)),
        ("80-000081", "*", (80, 81)),
    ],
)  # fmt: skip
def test_address_and_ports(words: str, address: str, ports: tuple[int, int]) -> None:
    assert parse_listen(words, ()) == Listen(address, *ports, is_default=False, is_secure=False)


@pytest.mark.parametrize(
    "words", ["0", "65536", "80-79", "80-65536", "80-0000081", "0-80", "0000009"]
)
def test_no_port(words: str) -> None:
    with pytest.raises(UnobservedError) as raised:
        parse_listen(words, ())
    assert str(raised.value) == f"nginx listens at {words}, which is not a port"


def test_number_that_is_much_too_long() -> None:
    with pytest.raises(UnobservedError) as raised:
        parse_listen("9" * 61, ())
    assert str(raised.value) == f"nginx listens at {'9' * 60}, which is not a port"


@pytest.mark.parametrize("target", ["80", "[::1]", "unix:/run/A.sock"])
@pytest.mark.parametrize(
    ("options", "is_default", "is_secure"),
    [
        ((), False, False), (("default_server",), True, False), (("default",), True, False),
        (("ssl",), False, True), (("ssl", "http2", "default_server"), True, True),
        (("reuseport", "proxy_protocol"), False, False),
    ],
)  # fmt: skip
def test_options(target: str, options: tuple[str, ...], is_default: bool, is_secure: bool) -> None:
    found = parse_listen(target, options)
    assert (found.is_default, found.is_secure) == (is_default, is_secure)


def test_unix_socket() -> None:
    found = parse_listen("unix:/run/A.sock", ())
    assert (found.address, found.first, found.last) == ("unix:/run/A.sock", 0, 0)


@pytest.mark.parametrize(
    ("target", "is_loopback"),
    [
        ("127.0.0.1:80", True), ("127.9.0.1", True), ("localhost:80", True), ("[::1]:80", True),
        ("unix:/run/a", True), ("80", False), ("[::]:80", False), ("10.127.0.1:80", False),
        ("localhost.test:80", False), ("[::10]:80", False), ("1270.test:80", False),
    ],
)  # fmt: skip
def test_loopback(target: str, is_loopback: bool) -> None:
    assert parse_listen(target, ()).is_loopback is is_loopback


@pytest.mark.parametrize(
    ("server", "listens"),
    [
        ("", [("*", 80)]),
        ("server_name a;", [("*", 80)]),
        ("listen 81;", [("*", 81)]),
        ("listen 81; listen [::]:81;", [("*", 81), ("[::]", 81)]),
        ("listen 443 quic; listen 443 ssl;", [("*", 443)]),
        ("listen 443 quic;", []),
        ("listen 53 udp;", []),
    ],
)
def test_sockets_of_a_server(server: str, listens: list[tuple[str, int]]) -> None:
    [found] = parse(f"{WHOLE}http {{ server {{ {server} }} }}").http.servers
    assert [(each.address, each.first) for each in found.listens] == listens
    assert [each.last for each in found.listens] == [port for _, port in listens]
    assert found.ports == tuple(port for _, port in listens)
