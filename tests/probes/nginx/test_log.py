"""What nginx complained of in its log, as an engine streams it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from stackproof.engine.client import NotFoundError
from stackproof.engine.connection import Connection, connect
from stackproof.environment.machine import Engine
from stackproof.facts.proxy import LogEntry
from stackproof.probes.containers.inspect import Inspection
from stackproof.probes.nginx import log
from stackproof.unobserved import UnobservedError
from tests import shop
from tests.probes.http.sites import Answer, serving

AT = "2026-01-31T12:00:00.123456789Z"
SINCE = datetime(2026, 1, 31, 11, tzinfo=UTC)
CRASH = "2026/01/31 12:00:00 [alert] 1#1: worker process 7 exited on signal 11"
REFUSED = "2026/01/31 12:00:00 [error] 7#7: *3 connect() failed (111: Connection refused)"


def _streamed(*lines: str, stream: int = 2) -> bytes:
    logged = [f"{AT} {line}\n".encode() for line in lines]
    return b"".join(bytes((stream, 0, 0, 0)) + len(each).to_bytes(4) + each for each in logged)


def _logged(answer: Answer, *, has_terminal: bool = False) -> tuple[LogEntry, ...]:
    """Read a log of which every request returns the same."""
    with _engine(lambda _: answer) as (engine, _):
        return log.read(engine, "c0ffee", SINCE, has_terminal=has_terminal)


@contextmanager
def _engine(answer: Callable[[str], Answer]) -> Iterator[tuple[Connection, list[str]]]:
    """An engine that answers by the query, and the queries for a log."""
    queries: list[str] = []

    def respond(path: str) -> Answer:
        if "/json" in path:
            return 200, {"Api-Version": "1.41"}, b"[]"
        called, _, query = path.partition("?")
        assert called == "/v1.41/containers/c0ffee/logs"
        queries.append(query.replace(f"&timestamps=1&since={SINCE.timestamp()}", ""))
        return answer(query)

    with serving(respond) as site:
        engine = connect(Engine(address=f"tcp://{site.address}"))
        try:
            yield engine, queries
        finally:
            engine.close()


def _lines(*logged: str) -> list[str]:
    return [entry.line for entry in _logged((200, {}, _streamed(*logged)))]


VISIT = '172.20.0.9 "GET / HTTP/1.1" 200 612'
BOTH, ERRORS, TAIL = "stdout=1&stderr=1", "stdout=0&stderr=1", "stdout=1&stderr=1&tail=2000"


@pytest.mark.parametrize("stream", [1, 2])
def test_both_streams_are_read(stream: int) -> None:
    short = _streamed(VISIT, stream=1) + _streamed(CRASH, stream=stream) + _streamed(REFUSED)
    with _engine(lambda _: (200, {}, short)) as (engine, queries):
        (entry,) = log.read(engine, "c0ffee", SINCE)
    assert (entry.line, queries) == (CRASH, [TAIL])


def _engine_with(stdout: list[str], stderr: list[str]) -> Callable[[str], Answer]:
    def answer(query: str) -> Answer:
        errors = _streamed(*stderr)
        requests = _streamed(*stdout, stream=1) if "stdout=1" in query else b""
        if "tail=" in query:
            requests = _streamed(*stdout[-2000:], stream=1)
        return 200, {}, errors + requests

    return answer


def test_the_requests_of_many_visitors_are_not_read() -> None:
    """Standard output has only them: the errors are all in the other stream."""
    with _engine(_engine_with([VISIT] * 3000, [CRASH, REFUSED])) as (engine, queries):
        (entry,) = log.read(engine, "c0ffee", SINCE)
    assert (entry.line, queries) == (CRASH, [TAIL, ERRORS])


@pytest.mark.parametrize("level", ["error", "notice", "emerg"])
def test_errors_among_the_requests_of_many_visitors(level: str) -> None:
    """`error_log /dev/stdout`: a crash may be further back than the end of the log."""
    latest = f"2026/01/31 12:00:00 [{level}] 7#7: something"
    visits = [CRASH, *[VISIT] * 3000, latest]
    with _engine(_engine_with(visits, [])) as (engine, queries):
        entries = log.read(engine, "c0ffee", SINCE)
    assert (entries[0].line, queries) == (CRASH, [TAIL, BOTH])


def test_a_visitor_cannot_make_the_log_look_short() -> None:
    """What the engine splits has several times in a line."""
    parts = f"{AT} {'x' * 16}" * 3000
    crash = f"{AT} {CRASH}\n".encode()

    def answer(query: str) -> Answer:
        return 200, {}, parts.encode() + b"\n" if "tail=" in query else crash

    with _engine(answer) as (engine, queries):
        (entry,) = log.read(engine, "c0ffee", SINCE, has_terminal=True)
    assert (entry.line, queries) == (CRASH, [TAIL, BOTH])


def test_a_line_at_crit_and_its_time() -> None:
    (entry,) = _logged((200, {}, _streamed(REFUSED, CRASH, REFUSED)))
    assert entry == LogEntry(at=datetime(2026, 1, 31, 12, 0, 0, 123456, UTC), line=CRASH)


def test_neither_a_scanner_nor_a_killed_command_is_an_alarm() -> None:
    assert _lines(
        "2026/01/31 12:00:00 [notice] 1#1: start",
        "2026/01/31 12:00:00 [crit] 7#7: *3 SSL_do_handshake() failed (SSL: bad key share)",
        "2026/01/31 12:00:00 [alert] 1#1: unknown process 6806 exited on signal 9",
        CRASH,
    ) == [CRASH]


CLIENT = ", client: 198.51.100.7, server: shop.test"


@pytest.mark.parametrize(
    "line",
    [
        "[crit] 7#7: *3 SSL_read() failed (SSL: error:0A000119:SSL routines::decryption failed or "
        "bad record mac) while waiting for request",
        "[crit] 7#7: *3 SSL_do_handshake() failed (SSL: error:0A00006C) while SSL handshaking",
        "[crit] 7#7: *3 SSL_shutdown() failed (SSL: error:0A000123:shutdown while in init)",
        "[crit] 7#7: *3 SSL_write() failed (SSL: error:0A0000CF) while sending to client",
        "[alert] 7#7: *3 ignoring stale global SSL error (SSL: error:0A0000C1) while keepalive",
        "[crit] 7#7: *3 client sent invalid header line while reading client request headers",
        '[crit] 7#7: *3 stat() "/srv/aaaa" failed (36: File name too long)',
        '[crit] 7#7: *3 open() "/srv/a.html/b" failed (20: Not a directory)',
        "[crit] 7#7: *3 peer closed connection in SSL handshake while SSL handshaking",
        "[crit] 7#7: *3 peer shutdown SSL in SSL handshake while SSL handshaking",
        "[alert] 7#7: *3 recv() failed (104: Connection reset by peer) while sending to client",
        "[alert] 7#7: *3 setsockopt(TCP_NODELAY) failed (107: Transport endpoint is not connected)",
        "[crit] 7#7: *3 quic packet too small",
        "[crit] 7#7: *3 http3 reserved frame type",
        "[crit] SSL_do_handshake() failed (SSL: bad key share) while SSL handshaking",
    ],
)
def test_what_a_client_causes_is_no_alarm(line: str) -> None:
    assert _lines(f"2026/01/31 12:00:00 {line}{CLIENT}", CRASH) == [CRASH]


@pytest.mark.parametrize(
    "line",
    [
        "[crit] 7#7: accept4() failed (24: Too many open files)",
        '[crit] 7#7: *3 open() "/var/cache/nginx/1" failed (28: No space left on device)',
        '[crit] 7#7: *3 open() "/srv/SSL_read() failed" failed (13: Permission denied)',
        "[crit] 7#7: *3 connect() to unix:/run/app.sock failed (2: No such file or directory)",
        "[crit] 7#7: *3 SSL_do_handshake() failed (SSL: error:0A000438) while SSL handshaking to "
        'upstream, upstream: "https://172.20.0.5:8443/"',
        "[crit] 7#7: *3 SSL_read() failed (SSL: bad record mac) while reading upstream",
        "[crit] 7#7: *3 SSL_write() failed (SSL: x) while sending request to upstream",
        "[crit] 7#7: *3 peer closed connection in SSL handshake while SSL handshaking to upstream",
        "[alert] 7#7: *3 recv() failed (104: Connection reset by peer) while reading response "
        "header from upstream",
        "[alert] 7#7: *3 sendfile() failed (22: Invalid argument) while sending to client",
        '[crit] 7#7: *3 mkdir() "/var/cache/nginx" failed (2: No such file or directory)',
        "[crit] 7#7: *3 the client library failed",
        "[emerg] 7#7: SSL_CTX_use_PrivateKey() failed (SSL: error:0B080074: key values mismatch)",
        "[alert] 7#7: worker process 9 exited on signal 11",
        "[alert] 7#7: 1024 worker_connections are not enough",
    ],
)
def test_what_the_server_causes_is_an_alarm(line: str) -> None:
    whole = f'2026/01/31 12:00:00 {line}{CLIENT}, request: "GET /SSL_read() failed HTTP/1.1"'
    assert _lines(whole) == [whole[:300]]


def test_an_alarm_after_days_of_errors() -> None:
    assert _lines(*[REFUSED] * 20_000, CRASH) == [CRASH]


# The last byte of a frame's header is the length of what follows: 10, 13 and 28 break lines.
@pytest.mark.parametrize("length", [256 + 10, 256 + 13, 256 + 28])
def test_a_header_similar_to_the_end_of_a_line(length: int) -> None:
    long = CRASH.ljust(length - len(f"{AT} \n"), "x")
    assert _lines("start", long) == [long]


@pytest.mark.parametrize(
    "line",
    [
        '2026/01/31 12:00:00 [error] 7#7: *3 open() "/[crit] /" failed',
        '2026/01/31 12:00:00 [warn] 7#7: *3 "GET /2026-01-31T00:00:00Z [alert] x"',
    ],
)
def test_a_level_in_what_a_visitor_sent_is_none(line: str) -> None:
    assert _lines(line, CRASH) == [CRASH]


@pytest.mark.parametrize(
    "line",
    [
        REFUSED + ' "GET /' + "2026-01-01T" * 180,
        "[crit] " * 300,
        "[" * 2000 + "[crit] ",
        REFUSED + ' "GET /[crit] ',
        "2026/01/31 12:00:00 [crit] 7#7: *3 SSL_do_handshake() failed",
        "x" * (5 << 20) + " [crit] " + "2026-01-01T" * 99999,
    ],
)
def test_a_log_is_read_in_time_that_grows_with_its_length(line: str) -> None:
    logged = _streamed(*[line] * max(1, (8 << 20) // len(line)), CRASH)
    parts = [logged[at : at + (64 << 10)] for at in range(0, len(logged), 64 << 10)]
    began = time.process_time()
    assert [entry.line for entry in log._entries(parts)][-1] == CRASH
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("at", "read"),
    [
        ("2026-01-31T12:00:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00+01:00", datetime(2026, 1, 31, 11, tzinfo=UTC)),
        ("9999-12-31T23:59:59-23:59", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("2026-99-99T99:99:99Z", None),
        ("2026-01-31T" + "9" * 29, None),
    ],
)
def test_the_time_of_a_line(at: str, read: datetime | None) -> None:
    found = log._entries([f"{at} {CRASH}\n".encode()])
    assert [entry.at for entry in found] == ([read] if read else [])


def test_no_log_at_all() -> None:
    assert _logged((200, {}, b"")) == ()


@pytest.mark.parametrize("lines", [1, 3000])
def test_what_a_terminal_logged_has_no_frames(lines: int) -> None:
    logged = f"{AT} {CRASH}\r\n" + f"{AT} {VISIT}\r\n" * lines
    (entry,) = _logged((200, {}, logged.encode()), has_terminal=True)
    assert entry.line == CRASH


def test_a_log_that_is_longer_than_can_be_read_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_LOG_CAP", 1 << 20)
    with pytest.raises(UnobservedError) as reason:
        _lines(*[REFUSED] * 20_000)
    assert str(reason.value) == (
        "nginx has logged more than 1 MiB since it started: limit the size of its log"
    )


def test_a_log_that_the_engine_does_not_give() -> None:
    refused = b'{"message": "configured logging driver does not support reading"}'
    with pytest.raises(
        UnobservedError, match=r"configured logging driver does not support reading$"
    ):
        _logged((501, {"Content-Type": "application/json"}, refused))
    with pytest.raises(NotFoundError):
        _logged((404, {}, b"No such container: c0ffee"))


def test_longest_log_that_is_read() -> None:
    block = b"\n" * (1 << 20)
    assert not log._entries([block] * 32)
    with pytest.raises(UnobservedError, match=r"^nginx has logged more than 32 MiB since"):
        log._entries([*[block] * 32, b"\n"])


def test_what_the_engine_cannot_read() -> None:
    """It writes the reason into the stream: what is missing may be an alarm."""
    error = b"Error grabbing logs: invalid character\n"
    framed = bytes((3, 0, 0, 0)) + len(error).to_bytes(4) + error
    for part in (framed, error):
        with pytest.raises(UnobservedError) as raised:
            _logged((200, {}, _streamed(REFUSED) + part))
        assert str(raised.value) == "the engine cannot read nginx's log: Error grabbing logs"


def test_a_visitor_cannot_write_the_engine_s_error() -> None:
    assert _lines('2026/01/31 12:00:00 [error] 7#7: *3 "GET /Error grabbing logs: x', CRASH) == [
        CRASH
    ]


@pytest.mark.parametrize(
    "line",
    [
        '198.51.100.7 - - [31/Jan/2026:12:00:00 +0000] "GET /[crit] x HTTP/1.1" 400',
        "[emerg] something else writes to the log",
        "app: [alert] 1#1: of another program",
    ],
)
def test_what_is_not_nginx_s_own_error(line: str) -> None:
    assert _lines(line, CRASH) == [CRASH]


def test_an_error_at_the_start() -> None:
    line = "nginx: [emerg] host not found in upstream"
    assert _lines(line) == [line]


def test_log_of_no_container() -> None:
    with pytest.raises(UnobservedError, match=r"^there is no container$"):
        log.log_entries.observe(None, None, None)


def test_log_of_a_container() -> None:
    """It is read since the start of the container; one with a terminal has one stream."""
    its = shop.container(id="c0ffee", started_at=SINCE)
    for has_terminal in (False, True):
        with _engine(_engine_with([CRASH, *[VISIT] * 3000], [])) as (engine, queries):
            entries = log.log_entries.observe(None, engine, Inspection(its, has_terminal))
        assert queries == [TAIL, BOTH if has_terminal else ERRORS]
        assert len(entries) == has_terminal
