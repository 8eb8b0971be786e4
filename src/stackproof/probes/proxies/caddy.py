"""Caddy from inside its container: its configuration, on disk and running, and its upstreams."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stackproof.facts.caddy import Caddy, CaddyUpstream
from stackproof.facts.command import CommandResult
from stackproof.frozen import Frozen
from stackproof.kinds import caddy as kind
from stackproof.probes.containers.commands import Results, executed
from stackproof.probes.declaration import CADDY, Target, probe
from stackproof.probes.proxies.caddy_config import first_difference, max_fails, passes
from stackproof.shell import Line
from stackproof.unobserved import Unobserved, UnobservedError, observed

_PART = re.compile(r"^(variable|file|adapted|running|upstreams|tried) (.*)$", re.MULTILINE)
_SHOWN = 200
_TIMED_OUT = (124, 137, 143)
# A shell in the container sets these, whatever Caddy's process has.
_OF_SHELLS = frozenset({"PWD", "OLDPWD", "SHLVL", "_", "HOME", "HOSTNAME", "TERM", "PATH"})
_SCRIPT = "caddy_state"


class _Upstream(Frozen, extra="ignore"):
    address: str
    fails: int = 0


_UPSTREAMS = TypeAdapter(list[_Upstream] | None)


def commands(target: Target) -> Mapping[str, Line]:
    """Return the read-only command whose result `caddy` parses."""
    return {_SCRIPT: kind.state_script(target.environment.servers(kind.Caddy)[target.service.name])}


# The output may hold secrets: only what is parsed is kept.
@probe("caddies", of=CADDY, needs=[executed], commands=commands)
def caddy_state(_: Target, executed: Results) -> Caddy:
    """Caddy, from inside its container."""
    return parse(observed(executed[_SCRIPT]))


def parse(result: CommandResult) -> Caddy:
    """Parse the output of the script.

    Raises:
        UnobservedError: there was no running container, or no answer in time.
    """
    if result.exit_code is None or result.timed_out:
        raise UnobservedError(result.observed)
    parts: dict[str, list[str]] = {}
    for name, text in _PART.findall(result.output):
        parts.setdefault(name, []).append(text.strip())
    adapted, running = _json(parts, "adapted"), _running(parts)
    if isinstance(running, Unobserved):
        return Caddy(difference=running, passes=running, upstreams=running)
    return Caddy(
        difference=_difference(parts, adapted, running),
        passes=_passes(running),
        upstreams=_upstreams(parts, running),
    )


def _running(parts: Mapping[str, list[str]]) -> Any:
    """Return the running configuration, or why it is unknown."""
    text = " ".join(parts.get("running", ()))
    try:
        running = json.loads(text)
    except (ValueError, RecursionError):
        running = None
    if isinstance(running, dict) and running.keys() != {"error"}:
        return running
    if text == "null":
        return Unobserved(reason="Caddy runs without a configuration")
    adapted = _json(parts, "adapted")
    if isinstance(adapted, dict) and (adapted.get("admin") or {}).get("disabled"):
        text = "it is off in its configuration (admin off); declare admin: off"
    elif text.startswith(("{", "[")):
        text = running["error"] if running else "its configuration is too long"
    shown = str(text or "it did not answer")[:_SHOWN]
    return Unobserved(reason=f"Caddy's admin API cannot be asked: {shown}")


def _json(parts: Mapping[str, list[str]], name: str) -> Any:
    try:
        return json.loads(" ".join(parts.get(name, ())))
    except (ValueError, RecursionError):
        return None


def _difference(parts: Mapping[str, list[str]], adapted: Any, running: Any) -> str | Unobserved:
    if not any(parts.get("file", ())):
        return Unobserved(
            reason="Caddy was started without a configuration file: declare its config"
        )
    if not isinstance(adapted, dict):
        return Unobserved(reason="its configuration on disk is not valid, or too long")
    difference = first_difference(adapted, running)
    variables = sorted({*parts.get("variable", ())} - _OF_SHELLS)
    if difference and variables:
        return Unobserved(
            reason=f"its configuration on disk may depend on {', '.join(variables)}, which "
            "Caddy's process has, or has otherwise than a command in its container"
        )
    return difference


def _passes(running: Any) -> Any:
    try:
        return passes(running)
    except UnobservedError as reason:
        return Unobserved(reason=str(reason))


def _upstreams(
    parts: Mapping[str, list[str]], running: Any
) -> tuple[CaddyUpstream, ...] | Unobserved:
    text = " ".join(parts.get("upstreams", ()))
    try:
        listed = _UPSTREAMS.validate_json(text) or []
    except ValidationError:
        return Unobserved(reason=f"Caddy did not list its upstreams: {text[:_SHOWN]}")
    tried = {}
    for each in parts.get("tried", ()):
        address, code, error = [*each.split(" ", 2), ""][:3]
        tried[address] = _error(int(code), error.strip()) if code.isdigit() else error
    limits = max_fails(running)
    return tuple(
        CaddyUpstream(
            address=each.address,
            fails=max(each.fails, 0),
            max_fails=limits.get(each.address, 0),
            error=tried.get(each.address, ""),
            tried=each.address in tried,
        )
        for each in listed
    )


def _error(code: int, error: str) -> str:
    """Return why an upstream accepted no connection, without what a shell puts before it."""
    if code == 0:
        return ""
    if code in _TIMED_OUT:
        return "no connection within 2 s"
    return error.rpartition(": ")[2][:_SHOWN].lower() or f"exit code {code}"
