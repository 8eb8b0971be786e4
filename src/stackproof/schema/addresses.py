"""Types of hosts, URLs, networks and engines."""

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from types import MappingProxyType
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainSerializer,
)

from stackproof.schema.expected import expect

_PORT = re.compile(r"[1-9][0-9]{0,4}")
_HIGHEST_PORT = 65535
_HOST_KEY = re.compile(r"(?:^|(?<=\s))(?:ssh|ecdsa|sk)-\S+\s+AAAA[A-Za-z0-9+/]+={0,2}(?=\s|$)")
_USER = re.compile(r"[^-:@/][^:@/]*")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_HOST = 253
# What a JSON Schema can say of a URL, and of a host with a port.
_URL_PATTERN = (
    r"[hH][tT][tT][pP][sS]?://(?![^/?#]*\.\.)(\[[0-9A-Fa-f:.]+\]|[^\s\\@/?#:\[\]]+)(:[0-9]*)?"
    r"([/?#][^\s\\]*)?"
)
_ENDPOINT_PATTERN = r"(\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\]]+):[0-9]+"


def is_host(text: str) -> bool:
    """Return whether the text is a host name or an IP address."""
    try:
        return bool(ip_address(text))
    except ValueError:
        pass
    try:
        # The codec takes time to load.
        name = text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        return False
    labels = name.removesuffix(".").split(".")
    return len(name) <= _LONGEST_HOST and all(map(_LABEL.fullmatch, labels))


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return (
        text.isprintable()
        and not set(text) & set(" \\")
        and parts.scheme in ("http", "https")
        # A user name and a password would be sent, and shown wherever the URL is shown.
        and "@" not in parts.netloc
        and is_host(parts.hostname or "")
        and parts.port != 0
    )


ENGINE_EXPECTED = "an engine such as unix:///var/run/docker.sock or ssh://user@host:22"


def is_engine(text: str) -> bool:
    """Return whether the text is the address of an engine."""
    scheme, _, rest = text.partition("://")
    if not text.isprintable() or set(rest) & set(" ?#"):
        return False
    if scheme == "unix":
        return rest.startswith("/")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    # A password would appear in messages and in the process list.
    user, at, _ = parts.netloc.rpartition("@")
    if scheme == "ssh":
        valid = _is_socket_path(unquote(parts.path)) and (not at or _USER.fullmatch(user))
    else:
        valid = scheme == "tcp" and not at
    return bool(valid) and is_host(parts.hostname or "") and port != 0


def _is_socket_path(text: str) -> bool:
    return text in ("", "/") or (text.isprintable() and ".." not in text.split("/"))


def _is_endpoint(text: str) -> bool:
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        return _is_port(port) and ip_address(host[1:-1]).version == 6
    return _is_port(port) and ":" not in host and is_host(host)


def _is_host_port(text: str) -> bool:
    return _is_port(text[2:]) if text.startswith("*:") else _is_endpoint(text)


def _is_control(text: str) -> bool:
    if "://" in text:
        return _is_url(text)
    return _is_endpoint(text) or _is_endpoint(f"{text}:443")


def _is_port(text: str) -> bool:
    return _PORT.fullmatch(text) is not None and int(text) <= _HIGHEST_PORT


def _is_subnet(text: str) -> bool:
    return "/" in text and bool(ip_network(text))


def _host_keys(value: object) -> object:
    """Return the keys without the host names before them in `known_hosts` and scan output."""
    if not isinstance(value, str):
        return value
    lines = [line for line in value.splitlines() if line.strip() and not line.startswith("#")]
    keys = [_HOST_KEY.search(line) for line in lines]
    # A line without a key becomes empty, and is rejected.
    return "\n".join(key[0] if key else "" for key in keys)


HostName = Annotated[
    str,
    expect("a host name or an IP address", is_host, pattern=r"^([^\s/:@]+|[0-9A-Fa-f:.]+(%\w+)?)$"),
]
Url = Annotated[
    str, expect("a URL such as https://example.com/", _is_url, pattern=f"^{_URL_PATTERN}$")
]
EngineAddress = Annotated[
    str,
    expect(
        ENGINE_EXPECTED,
        is_engine,
        pattern=r"^(unix:///[^ ?#]*|tcp://[^ ?#@]+|ssh://([^-:@/ ][^:@/ ]*@)?[^-@ ?#][^@ ?#]*)$",
    ),
]
HostKeys = Annotated[
    str,
    BeforeValidator(_host_keys),
    expect(
        "public host keys such as ssh-ed25519 AAAA…, a line each",
        lambda keys: all(keys.split("\n")),
        pattern=r"(ssh|ecdsa|sk)-\S+\s+AAAA",
    ),
]
Subnet = Annotated[
    str,
    expect("a subnet such as 172.20.0.0/16", _is_subnet, pattern="^[0-9A-Fa-f:.]+/[0-9A-Fa-f:.]+$"),
    # In the form in which the engine reports it.
    AfterValidator(lambda text: str(ip_network(text))),
]
Host = Annotated[
    str,
    expect(
        "a host and port such as example.com:443 or *:443",
        _is_host_port,
        pattern=rf"^(\*:[0-9]+|{_ENDPOINT_PATTERN})$",
    ),
    AfterValidator(lambda text: text.lower()),
]
Address = Annotated[
    str,
    expect(
        "an address and port such as 127.0.0.1:443", _is_endpoint, pattern=f"^{_ENDPOINT_PATTERN}$"
    ),
]
Control = Annotated[
    str,
    expect(
        "a URL such as https://example.com/, a host and port such as example.com:443, or a host",
        _is_control,
        pattern=rf"^({_URL_PATTERN}|[^\s/@]+)$",
    ),
]
"""A target that must be reachable from here. A host without a port means port 443."""
Addresses = Annotated[
    Mapping[Host, Address], AfterValidator(MappingProxyType), PlainSerializer(dict)
]
"""`host:port` to the `address:port` to connect to instead."""
