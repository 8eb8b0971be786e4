"""Explanations of failed ssh connections, in one line each, from OpenSSH's log."""

import re
from urllib.parse import urlsplit

from stackproof.environment.machine import Engine

_OFFERED = re.compile(r"^debug1: Server host key: (\S+ \S+)$", re.MULTILINE)
_OFFENDING = re.compile(r"^Offending (?:\S+ )?key in (\S+?):(\d+)", re.MULTILINE)


def explain_failure(log: str, engine: Engine) -> str:
    """Return why a master could not connect, and what to do about it."""
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in log:
        return _host_key_changed(log, engine)
    if "requested strict checking" in log:
        return _host_key_unknown(log, engine)
    if "Permission denied (" in log:
        return _permission_denied(log)
    if refused := re.search(r"^ssh: connect to host \S+ port \d+: (.+)$", log, re.MULTILINE):
        return refused[1].strip().lower()
    if unresolved := re.search(r"^ssh: Could not resolve hostname \S+: (.+)$", log, re.MULTILINE):
        return f"the name does not resolve: {unresolved[1].strip().lower()}"
    if re.search(r"^\S*sh: .*ssh: .*not found$", log, re.MULTILINE):
        return "ssh is not installed here: apt-get install openssh-client"
    lines = [line.strip() for line in log.splitlines() if not line.startswith("debug")]
    return next((line.removeprefix("ssh: ") for line in reversed(lines) if line), "ssh ended")


def forward_error(log: str, host: str, port: int) -> str:
    """Return why the server did not connect to a host and port; empty if the log does not say."""
    # The master handles one request at a time: the channel's number follows the request.
    _, _, since = log.rpartition(f"channel_connect_stdio_fwd: {host}:{port}\n")
    return _open_error("stdio-forward", since)


def socket_error(log: str) -> str:
    """Return why the server did not connect to its unix socket; empty if nothing failed."""
    return _open_error("direct-streamlocal", log)


def _open_error(kind: str, log: str) -> str:
    channel = re.search(rf"^debug1: channel (\d+): new {kind}", log, re.MULTILINE)
    if not channel:
        return ""
    failed = re.compile(rf"^channel {channel[1]}: open failed: (.+?)\r?$", re.MULTILINE)
    reason = failed.search(log, channel.end())
    return reason[1] if reason else ""


def _host_and_port(engine: Engine) -> tuple[str, int]:
    parts = urlsplit(engine.address)
    return parts.hostname or "", parts.port or 22


def _offered(log: str) -> str:
    offered = _OFFERED.search(log)
    return f" (the server presents {offered[1]})" if offered else ""


def _host_key_changed(log: str, engine: Engine) -> str:
    host, port = _host_and_port(engine)
    cause = "the server was rebuilt, or another machine answers in its place"
    if engine.host_key:
        return f"host key mismatch with engine.host_key{_offered(log)}: {cause}"
    known = _OFFENDING.search(log)
    where = f"{known[1]}, line {known[2]}" if known else "known_hosts"
    name = host if port == 22 else f"'[{host}]:{port}'"
    return (
        f"host key mismatch with {where}{_offered(log)}: {cause}; "
        f"if it was rebuilt: ssh-keygen -R {name}, then {_scan(host, port)}"
    )


def _host_key_unknown(log: str, engine: Engine) -> str:
    if engine.host_key:
        return f"engine.host_key has no key of the type that is used{_offered(log)}"
    return (
        f"host key unknown here{_offered(log)}: compare it with the server's own key, "
        f"then {_scan(*_host_and_port(engine))}"
    )


def _scan(host: str, port: int) -> str:
    return f"ssh-keyscan {'' if port == 22 else f'-p {port} '}{host} >>~/.ssh/known_hosts"


def _permission_denied(log: str) -> str:
    if re.search(r'^Load key ".*": (?:invalid format|error in libcrypto)', log, re.MULTILINE):
        return "permission denied: engine.key is not a private key that ssh can read"
    _, accepted, since = log.rpartition("debug1: Server accepts key: ")
    if accepted and "partial success" not in since:
        return "permission denied: the key that the server accepts has a passphrase"
    methods = re.search(r"Permission denied \(([^)]+)\)", log)
    return (
        f"permission denied ({methods[1] if methods else ''}): the server accepts none of the keys"
    )
