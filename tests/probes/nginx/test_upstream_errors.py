"""Why nginx had no response of an upstream, from its log."""

import pytest

from stackproof.facts.proxy import UpstreamError
from stackproof.facts.response import Hop
from stackproof.probes.nginx.upstream_errors import parse

URL = "https://shop.test/api/health?full=1"
UPSTREAM = "http://172.18.0.5:5000/api/health?full=1"
REFUSED = "connect() failed (111: Connection refused) while connecting to upstream"


def _logged(message: str, upstream: str = UPSTREAM, **request: str) -> str:
    target = request.get("target", "/api/health?full=1")
    host = request.get("host", "shop.test")
    shown = f', upstream: "{upstream}"' if upstream else ""
    return (
        f"2026/01/31 12:00:00 [error] 22#22: *7 {message}, client: 172.18.0.1, server: _, "
        f'request: "GET {target} HTTP/1.1"{shown}, host: "{host}"\n'
    )


def _parsed(*lines: str, url: str = URL) -> dict[str, UpstreamError]:
    hop = Hop(url=url, status=502, location=None)
    return parse("".join(lines).encode(), {"api": hop})


def _error(message: str, upstream: str = "172.18.0.5:5000") -> dict[str, UpstreamError]:
    return {"api": UpstreamError(message=message, upstream=upstream)}


@pytest.mark.parametrize(
    "message",
    [
        REFUSED,
        "connect() failed (113: Host is unreachable) while connecting to upstream",
        "upstream timed out (110: Connection timed out) while connecting to upstream",
        "upstream timed out (110: Connection timed out) while reading response header from "
        "upstream",
        "upstream prematurely closed connection while reading response header from upstream",
        "upstream sent too big header while reading response header from upstream",
    ],
)
def test_message(message: str) -> None:
    assert _parsed(_logged(message)) == _error(message)


@pytest.mark.parametrize(
    ("upstream", "address"),
    [
        ("", ""),
        ("http://backend/api/health", "backend"),
        ("http://[fd00::5]:5000/api", "[fd00::5]:5000"),
        ("fastcgi://172.18.0.5:9000", "172.18.0.5:9000"),
        ("http://unix:/run/app.sock:/api", "unix:"),
        ("nothing", ""),
    ],
)
def test_upstream(upstream: str, address: str) -> None:
    assert _parsed(_logged(REFUSED, upstream)) == _error(REFUSED, address)


def test_unresolved_name() -> None:
    message = "api could not be resolved (3: Host not found)"
    (error,) = _parsed(_logged(message, "")).values()
    assert str(error) == message


def test_last_error_of_the_same_request() -> None:
    log = (
        _logged("upstream timed out (110: Connection timed out) while connecting to upstream"),
        _logged(REFUSED),
        _logged("no live upstreams while connecting to upstream", target="/other"),
        _logged("no live upstreams while connecting to upstream", host="other.test"),
        'GET /api/health?full=1 HTTP/1.1" 502 150\n',
    )
    assert _parsed(*log) == _error(REFUSED)


@pytest.mark.parametrize(
    ("url", "target", "host"),
    [
        ("http://shop.test", "/", "shop.test"),
        ("http://shop.test:8080/", "/", "shop.test:8080"),
        ("http://user:secret@shop.test/a", "/a", "shop.test"),
    ],
)
def test_request(url: str, target: str, host: str) -> None:
    assert _parsed(_logged(REFUSED, target=target, host=host), url=url) == _error(REFUSED)


@pytest.mark.parametrize(
    "line",
    [
        _logged("x" * 400),
        _logged(REFUSED).replace("[error]", "[info]"),
        _logged(REFUSED).replace("HTTP/1.1", ""),
        _logged(REFUSED)[:80],
    ],
)
def test_other_lines(line: str) -> None:
    assert _parsed(line) == {}
