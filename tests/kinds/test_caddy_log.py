"""Which entries of Caddy's log are errors of the server."""

import json
from datetime import UTC, datetime

import pytest

from stackproof.kinds.caddy_log import Log

AT = datetime(2026, 11, 30, tzinfo=UTC)
FAILED = "loading config: loading new config: open /no.pem: no such file or directory"


def _line(message: str, level: str = "error", **fields: object) -> str:
    return json.dumps({"level": level, "ts": 1.5, "msg": message, **fields})


LOADED = _line("serving initial configuration", "info")
RELOADED = _line("load complete", "info", logger="admin.api")
RELOAD_FAILED = _line("request error", logger="admin.api", error=FAILED)


def _errors(*lines: str) -> list[str]:
    log = Log({"shop.test"})
    log.read(((AT, line) for line in lines), 20)
    return [each.line for each in log.errors]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (RELOAD_FAILED, f"admin.api: request error: {FAILED}"),
        (_line("listening failed", logger="http"), "http: listening failed"),
        (_line("oh", "panic"), "oh"),
        (_line("gave up", "panic", logger="http.log.error"), "http.log.error: gave up"),
        (
            _line("will retry", logger="tls.obtain", identifier="shop.test", error="no DNS"),
            "tls.obtain: shop.test: will retry: no DNS",
        ),
        ("2026/11/30 15:00:00.000\tERROR\tadmin\tstopped\t{\"error\": \"x\"}", "admin: stopped: x"),
        ("2026/11/30 15:00:00.000\t\x1b[31mERROR\x1b[0m\tadmin\tstopped", "admin: stopped"),
        ("2026/11/30 15:00:00.000\tERROR\tstopped", "stopped"),
    ],
)  # fmt: skip
def test_errors(line: str, shown: str) -> None:
    assert _errors(LOADED, line) == [shown]


@pytest.mark.parametrize(
    "line",
    [
        _line("dial tcp: connection refused", logger="http.log.error", status=502),
        _line("handled request", logger="http.log.access.log0", status=500),
        _line("aborting with incomplete response", logger="http.handlers.reverse_proxy"),
        _line("request error", logger="admin.api", error="host not allowed: x"),
        _line("failed to install root certificate", logger="pki.ca.local"),
        _line("will retry", logger="tls.obtain", identifier="visitor-asked.test"),
        _line("a warning", "warn"),
        '{"level": "error"',
        '{"level": 5, "msg": "x"}',
        "[" * 100_000,
        "error: something else printed this",
    ],
)
def test_what_is_no_error_of_the_server(line: str) -> None:
    assert _errors(LOADED, line) == []


def test_a_later_load_or_certificate_settles_it() -> None:
    assert _errors(RELOAD_FAILED, RELOADED) == []
    failed = _line("will retry", logger="tls.obtain", identifier="shop.test")
    obtained = _line("certificate obtained successfully", "info", identifier="shop.test")
    other = _line("certificate obtained successfully", "info", identifier="other.test")
    assert _errors(failed, obtained) == []
    assert len(_errors(failed, other)) == 1


def test_the_last_are_kept() -> None:
    assert _errors(*(_line(f"error {n}") for n in range(30))) == [
        f"error {n}" for n in range(10, 30)
    ]


def test_where_it_logs() -> None:
    log = Log(set())
    to_file = _line("redirected default logger", "info", to="/var/log/caddy.log")
    log.read([(AT, "no line of Caddy"), (AT, to_file)], 20)
    assert (log.lines, log.elsewhere) == (1, "/var/log/caddy.log")
    log.read([(AT, _line("redirected default logger", "info", to="stderr"))], 20)
    assert log.elsewhere == ""
