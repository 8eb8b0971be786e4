"""Connections of a client: to which address, and which certificates it trusts."""

import os
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from functools import cache
from ipaddress import ip_address
from typing import Literal

from stackproof.environment.model import Environment
from stackproof.unobserved import UnobservedError

Connect = Callable[[str, int, float], socket.socket]
"""Connects to a host and port within some seconds."""
Use = Literal["requests", "handshakes", "control"]
"""What a context is for. Each changes its own: the protocols it offers, or what else it trusts."""


def endpoint(resolve: Mapping[str, str], host: str, port: int) -> tuple[str, int]:
    """Return the address for a host and port, which `resolve` may override."""
    target = resolve.get(f"{host}:{port}") or resolve.get(f"*:{port}")
    if not target:
        return host, port
    address, _, target_port = target.rpartition(":")
    return address.strip("[]"), int(target_port)


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """Connect over TCP, to the first address of a name that accepts.

    Raises:
        TimeoutError: no address accepted in time.
        OSError: no connection. Of several errors a refusal is raised, because it is an answer.
    """
    until = time.monotonic() + seconds
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a part of a name is empty or too long
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
    addresses = list(dict.fromkeys(each[4][:2] for each in found))
    failures: list[OSError] = []
    while addresses:
        left = (until - time.monotonic()) / len(addresses)
        try:
            if left <= 0:
                raise TimeoutError("timed out")
            connection = socket.create_connection(addresses.pop(0), timeout=left)  # type: ignore[arg-type]
        except OSError as failure:
            failures.append(failure)
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
    refusals = [each for each in failures if isinstance(each, ConnectionRefusedError)]
    raise (refusals or failures)[0]


def loopback_overrides(resolve: Mapping[str, str]) -> dict[str, str]:
    """Return the overrides for requests from the server: those that do not lead elsewhere."""
    return {host: address for host, address in resolve.items() if _is_loopback(address)}


def trusted(environment: Environment, use: Use) -> ssl.SSLContext:
    """Return a context with the certificates that a client of the environment trusts.

    Raises:
        UnobservedError: the environment's CA file cannot be read.
    """
    if not environment.ca_file:
        return _public(use, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    try:
        return ssl.create_default_context(cafile=environment.ca_file)
    except OSError as error:
        raise UnobservedError(f"CA file {environment.ca_file}: {error.strerror}") from None


@cache
def _public(use: Use, file: str | None, folder: str | None) -> ssl.SSLContext:
    """Return the context of public authorities. They take 30 ms to load, and retries need them."""
    import httpx  # imported late: it takes a sixth of a second

    del use, file, folder  # httpx reads the variables itself
    return httpx.create_ssl_context()


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
