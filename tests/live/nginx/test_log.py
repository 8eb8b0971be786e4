"""`nginx.log` on a real engine."""

import time

import pytest

from tests.live.nginx.proxied import MAIN, Proxied
from tests.live.nginx.test_routed import api, site

pytestmark = pytest.mark.live

SITE = site(api("proxy_pass http://api:5000;"))
AT = "2026/01/31 12:00:00 "
CLIENT = ", client: 198.51.100.7, server: shop.test"
CAUSED_BY_CLIENTS = {
    "bad record": "[crit] 7#7: *3 SSL_read() failed (SSL: error:0A000119:SSL routines::decryption "
    "failed or bad record mac) while waiting for request",
    "bad handshake": "[crit] 7#7: *3 SSL_do_handshake() failed (SSL: error:0A00006C:SSL routines::"
    "bad key share) while SSL handshaking",
    "bad shutdown": "[crit] 7#7: *3 SSL_shutdown() failed (SSL: error:0A000123) while closing",
    "write": "[crit] 7#7: *3 SSL_write() failed (SSL: error:0A0000CF) while sending to client",
    "stale error": "[alert] 7#7: *3 ignoring stale global SSL error (SSL: error:0A0000C1)",
    "large body": "[error] 7#7: *3 client intended to send too large body: 99 bytes",
    "header": "[crit] 7#7: *3 client sent invalid header line",
    "long path": '[crit] 7#7: *3 stat() "/srv/a" failed (36: File name too long)',
    "refused": "[error] 7#7: *3 connect() failed (111: Connection refused) while connecting to "
    "upstream",
    "level in a request": '[error] 7#7: *3 open() "/[crit] " failed (2: No such file or directory)',
    "killed command": "[alert] 1#1: unknown process 6806 exited on signal 9",
}
CAUSED_BY_THE_SERVER = {
    "no space": '[crit] 7#7: *3 pwrite() "/var/cache/nginx/1" failed (28: No space left on device)',
    "files": "[crit] 7#7: accept4() failed (24: Too many open files)",
    "permission": '[crit] 7#7: *3 open() "/srv/a" failed (13: Permission denied)',
    "socket": "[crit] 7#7: *3 connect() to unix:/run/app.sock failed (2: No such file or "
    "directory) while connecting to upstream",
    "handshake with an upstream": "[crit] 7#7: *3 SSL_do_handshake() failed (SSL: error:0A000438) "
    "while SSL handshaking to upstream",
    "connections": "[alert] 7#7: 1024 worker_connections are not enough",
    "memory": "[crit] 7#7: *3 malloc(4096) failed (12: Cannot allocate memory)",
    "certificate": "[emerg] 1#1: SSL_CTX_use_PrivateKey() failed (SSL: key values mismatch)",
    "port": "[emerg] 1#1: bind() to 0.0.0.0:80 failed (98: Address in use)",
}


def _red(proxied: Proxied) -> list[str]:
    results = proxied.verify("log").results("shop")
    return [f"{check} {outcome}: {line}" for check, (outcome, line) in results.items()]


@pytest.mark.parametrize("variant", CAUSED_BY_CLIENTS)
def test_caused_by_a_client(proxied: Proxied, variant: str) -> None:
    proxied.load(SITE)
    proxied.log(AT + CAUSED_BY_CLIENTS[variant] + CLIENT)
    assert _red(proxied) == []


@pytest.mark.parametrize("variant", CAUSED_BY_THE_SERVER)
def test_caused_by_the_server(proxied: Proxied, variant: str) -> None:
    proxied.load(SITE)
    line = AT + CAUSED_BY_THE_SERVER[variant] + CLIENT
    proxied.log(line)
    [red] = _red(proxied)
    assert red.startswith(
        "nginx.log[proxy] FAIL: proxy log: expected no line of level emerg, alert or crit since "
        f"it last loaded, observed {line[:100]}"
    )


@pytest.mark.parametrize("variant", CAUSED_BY_THE_SERVER)
def test_before_the_last_load(proxied: Proxied, variant: str) -> None:
    proxied.log(AT + CAUSED_BY_THE_SERVER[variant] + CLIENT)
    proxied.load(SITE)
    assert _red(proxied) == []


def test_failed_reload(proxied: Proxied) -> None:
    proxied.load(SITE)
    proxied.write("server {")
    proxied.execute("kill -HUP 1")
    until = time.monotonic() + 10
    while not (red := _red(proxied)):
        assert time.monotonic() < until
    assert "[emerg] 1#1: unexpected end of file" in red[0]
    proxied.load(SITE)
    assert _red(proxied) == []


def test_only_worker_crashed(proxied: Proxied) -> None:
    """The next worker starts at once, which is no load."""
    proxied.load(SITE)
    proxied.execute("pkill -KILL -f '^nginx: worker process$'")
    until = time.monotonic() + 10
    while "exited on signal 9" not in "".join(red := _red(proxied)):
        assert time.monotonic() < until, red
    time.sleep(1)  # a crash less than a second before a load may be why its worker is new
    proxied.load(SITE)
    assert _red(proxied) == []


@pytest.mark.parametrize(
    ("log", "hidden"),
    [
        ("/dev/stderr notice", False),
        ("/dev/stdout crit", False),
        ("/proc/self/fd/2", False),
        ("stderr alert", True),
        ("/dev/stderr emerg", True),
        ("/var/log/nginx/other.log", True),
        ("/dev/null", True),
        ("syslog:server=127.0.0.1", True),
    ],
)
def test_where_it_logs(proxied: Proxied, log: str, hidden: bool) -> None:
    main = MAIN.replace("error_log stderr notice;", f"error_log {log};")
    proxied.load(SITE, main)
    expected = (
        f"nginx.log[proxy] UNKNOWN: could not be evaluated: nginx logs with error_log {log}, "
        "which the engine does not show"
    )
    assert _red(proxied) == ([expected] if hidden else [])
    proxied.load(SITE)
    proxied.recreate("proxy")  # nginx has lost its standard error once it logged elsewhere
