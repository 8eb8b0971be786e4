"""What the script in Caddy's container prints becomes facts, or a reason why there are none."""

import json
from typing import Any

import pytest

from stackproof.facts.caddy import Caddy, CaddyUpstream
from stackproof.facts.command import CommandResult
from stackproof.probes.proxies.caddy import parse
from stackproof.unobserved import Unobserved, UnobservedError

HANDLER = {
    "handler": "reverse_proxy",
    "upstreams": [{"dial": "api:5000"}],
    "health_checks": {"passive": {"fail_duration": 5, "max_fails": 2}},
}
CONFIG: Any = {"apps": {"http": {"servers": {"srv0": {"routes": [{"handle": [HANDLER]}]}}}}}
UPSTREAMS = [{"address": "api:5000", "num_requests": 1, "fails": 3}]
REFUSED = "curl: (7) Failed to connect to 127.0.0.1 port 2019: Connection refused"


def _parsed(**changes: Any) -> Caddy:
    parts = {
        "file": "/etc/caddy/Caddyfile",
        "adapted": json.dumps(CONFIG),
        "running": json.dumps(CONFIG),
        "upstreams": json.dumps(UPSTREAMS),
        "tried": "api:5000 0 ",
        **changes,
    }
    output = "\n".join(f"{name} {text}" for name, text in parts.items())
    return parse(CommandResult(command="sh", exit_code=0, output=output))


def test_as_on_disk() -> None:
    found = _parsed()
    assert found.difference == ""
    assert found.upstreams == (CaddyUpstream(address="api:5000", fails=3, max_fails=2),)


@pytest.mark.parametrize(
    ("tried", "error"),
    [
        ("api:5000 1 api: line 1: api: Name or service not known", "name or service not known"),
        ("api:5000 1 bash: connect: Connection refused", "connection refused"),
        ("api:5000 124 ", "no connection within 2 s"),
        ("api:5000 1 ", "exit code 1"),
    ],
)
def test_an_upstream_that_accepts_no_connection(tried: str, error: str) -> None:
    (found,) = _upstreams(_parsed(tried=tried))
    assert (found.error, found.tried) == (error, True)


def test_an_upstream_that_was_not_tried() -> None:
    (found,) = _upstreams(_parsed(tried="other:1 0 "))
    assert not found.tried


def _upstreams(found: Caddy) -> tuple[CaddyUpstream, ...]:
    assert not isinstance(found.upstreams, Unobserved)
    return found.upstreams


CHANGED = json.dumps({"apps": {"http": {}}})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"running": REFUSED}, f"Caddy's admin API cannot be asked: {REFUSED}"),
        ({"running": '{"error": "host not allowed: x"}'}, "host not allowed: x"),
        ({"running": '{"apps": {'}, "its configuration is too long"),
        ({"running": ""}, "it did not answer"),
        ({"running": "null"}, "Caddy runs without a configuration"),
        (
            {"running": REFUSED, "adapted": '{"admin": {"disabled": true}}'},
            "it is off in its configuration (admin off); declare admin: off",
        ),
        ({"file": ""}, "Caddy was started without a configuration file: declare its config"),
        ({"adapted": ""}, "its configuration on disk is not valid, or too long"),
        ({"adapted": CHANGED, "variable": "SITE"}, "may depend on SITE, which Caddy's process"),
    ],
)
def test_why_it_is_unknown(changes: dict[str, str], reason: str) -> None:
    found = _parsed(**changes).difference
    assert isinstance(found, Unobserved)
    assert reason in found.reason


@pytest.mark.parametrize("variable", ["HOME", "PWD", "SHLVL"])
def test_variables_of_a_shell_do_not_count(variable: str) -> None:
    assert _parsed(adapted=CHANGED, variable=variable).difference == "apps.http.servers"


def test_no_list_of_upstreams() -> None:
    found = _parsed(upstreams="404 page not found").upstreams
    assert found == Unobserved(reason="Caddy did not list its upstreams: 404 page not found")


@pytest.mark.parametrize(
    ("exit_code", "timed_out", "reason"),
    [(None, False, "edge is exited"), (137, True, "no answer in time")],
)
def test_no_output(exit_code: int | None, timed_out: bool, reason: str) -> None:
    result = CommandResult(
        command="sh", exit_code=exit_code, output="edge is exited", timed_out=timed_out
    )
    with pytest.raises(UnobservedError, match=reason):
        parse(result)
