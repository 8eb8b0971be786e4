"""Health endpoints in the commands of health checks: `curl -f http://localhost:8080/health`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_VARIABLE = r"\$\$?(?:\{[^{}]*\}|\w+)"
_TARGET = rf"""
    (?P<host>localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0|\$\$?\{{?HOSTNAME\}}?)
    (?::(?P<port>\d+|{_VARIABLE}))?
    (?P<path>/(?:{_VARIABLE}|[^\s"'`|;)>\\&$]|&(?!&))*)?
    (?=[\s"'`|;)>&]|$)
"""
_URL = re.compile(rf"""(?P<scheme>https?)://{_TARGET}""", re.VERBOSE)
_NO_SCHEME = re.compile(rf"""(?<![^\s"'])(?<!:[ ])(?P<scheme>){_TARGET}""", re.VERBOSE)
_CLIENT = re.compile(r"(?<![\w.-])(?:curl|wget)\s")
_END = re.compile(r"\|\||&&|[|;\n]")
_NOT_A_PLAIN_GET = re.compile(
    r"\s-X\s*(?!GET|\s)|\s-[dFuT]\b|[Aa]uthorization:"
    r"|\s--(?:(?:request|method)[ =](?!GET)|data|post-|form|user(?:name)?[ =]|unix-socket)"
)
_INSECURE = re.compile(r"\s(?:-[a-zA-Z]*k[a-zA-Z]*|--insecure|--no-check-certificate)(?=\s|$)")
_HOST = re.compile(r"""['" ]Host:\s*([\w.-]+)""", re.IGNORECASE)
_OF_CONTAINER = re.compile(r"\$\$(?:\{(\w+)(?::-([^{}]*))?\}|(\w+))")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True)
class Endpoint:
    """What a health check requests in its container, with Compose's expressions."""

    scheme: str
    port: str
    path: str
    host: str
    """The `Host` header and the TLS server name; empty if neither matters."""
    insecure: bool
    """Whether the certificate is not verified."""


def find(test: Any, environment: Mapping[str, str]) -> Endpoint | None:
    """Return the endpoint that a health check requests from its own container with curl or wget.

    Args:
        test: the `test` of the health check, as it is written.
        environment: the variables of the container, for those that its shell replaces.
    """
    line = " ".join(map(str, test[1:])) if isinstance(test, list) else str(test or "")
    for client in _CLIENT.finditer(line):
        # A URL may hold what ends a command.
        command = line[client.start() :]
        target = _URL.search(command) or _NO_SCHEME.search(command)
        end = _END.search(command)
        if not target or (end and end.start() < target.start()):
            continue
        end = _END.search(command, target.end())
        command = command[: end.start()] if end else command
        if _NOT_A_PLAIN_GET.search(command):
            continue
        scheme = target["scheme"] or "http"
        host = _HOST.search(command)
        port = _replaced(target["port"] or _DEFAULT_PORTS[scheme], environment)
        path = _replaced(target["path"] or "/", environment)
        if port is not None and path is not None:
            is_insecure = scheme == "https" and bool(_INSECURE.search(command))
            # The certificate is that of the host in the URL.
            of_url = target["host"] if scheme == "https" and not is_insecure else ""
            return Endpoint(scheme, port, path, host[1] if host else of_url, is_insecure)
    return None


def _replaced(text: str, environment: Mapping[str, str]) -> str | None:
    """Replace the variables that the container's shell replaces; None if one is unknown."""
    for variable in _OF_CONTAINER.finditer(text):
        name = variable[1] or variable[3]
        value = environment.get(name) or variable[2]
        if not value:
            return None
        text = text.replace(variable[0], value)
    return text
