"""The types of single values: each refuses what it is not, in words, without quoting it."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from ipaddress import ip_address, ip_network
from types import MappingProxyType
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

_VERSION = re.compile(r"[0-9]{1,9}([.][0-9]{1,9}){0,9}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_HIGHEST_PORT = 65535
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HOST_KEY = re.compile(r"(?:^|(?<=\s))(?:ssh|ecdsa|sk)-\S+\s+AAAA[A-Za-z0-9+/]+={0,2}(?=\s|$)")
_USER = re.compile(r"[^-:@/][^:@/]*")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_HOST = 253
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_MOST_ENTRIES = 1000

T = TypeVar("T")


def _expect(what: str, holds: Callable[[T], object]) -> AfterValidator:
    return AfterValidator(_check(what, holds))


def _check(what: str, holds: Callable[[T], object]) -> Callable[[T], T]:
    def check(value: T) -> T:
        try:
            right = holds(value)
        except ValueError:
            right = False
        if not right:
            # The value is left out: it may have come from a variable that holds a secret.
            raise PydanticCustomError("expected", "expected {what}", {"what": what})
        return value

    return check


def is_name(text: str) -> bool:
    """Tell whether a text can name a container, a service or an environment."""
    return _NAME.fullmatch(text) is not None


def is_host(text: str) -> bool:
    """Tell whether a text is a host name or an IP address."""
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
        # A user name and a password would be sent, and shown wherever the URL is.
        and "@" not in parts.netloc
        and is_host(parts.hostname or "")
        and parts.port != 0
    )


def _is_url_path(text: str) -> bool:
    return text.startswith("/") and text.isprintable() and " " not in text


ENGINE_EXPECTED = "an engine such as unix:///var/run/docker.sock or ssh://user@host:22"


def is_engine(text: str) -> bool:
    """Tell whether a text is the address of an engine."""
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
    # A password would end up in messages and in the list of processes.
    user, at, _ = parts.netloc.rpartition("@")
    if scheme == "ssh":
        right = parts.path in ("", "/") and (not at or _USER.fullmatch(user))
    else:
        right = scheme == "tcp" and not at
    return bool(right) and is_host(parts.hostname or "") and port != 0


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


def _is_published_port(text: str) -> bool:
    return _is_port(text) or _is_endpoint(text)


def _is_port(text: str) -> bool:
    return _PORT.fullmatch(text) is not None and int(text) <= _HIGHEST_PORT


def _is_line(text: str) -> bool:
    return not _BREAKS.search(text)


def _is_date(value: object) -> bool:
    # Pydantic reads a number as seconds since 1970.
    return not isinstance(value, str) or _DATE.fullmatch(value) is not None


def _is_subnet(text: str) -> bool:
    return "/" in text and bool(ip_network(text))


def _host_keys(value: object) -> object:
    """The keys alone: in known hosts, and as scanned, names of the host stand before them."""
    if not isinstance(value, str):
        return value
    lines = [line for line in value.splitlines() if line.strip() and not line.startswith("#")]
    keys = [_HOST_KEY.search(line) for line in lines]
    # What is no key is left as it is, for the refusal.
    return "\n".join(key[0] if key else "" for key in keys)


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, int | str) else value


Name = Annotated[str, _expect("a name of letters, digits, '_', '.' and '-'", is_name)]
Port = Annotated[int, _expect("a port from 1 to 65535", lambda port: 1 <= port <= 65535)]
PublishedPort = Annotated[
    str,
    _expect(
        "a port such as 443, or an address and port such as 127.0.0.1:5432", _is_published_port
    ),
]
"""A port of the host: alone, it is open on every address."""
Status = Annotated[int, _expect("a status code from 100 to 599", lambda code: 100 <= code <= 599)]
Statuses = Annotated[tuple[Status, ...], BeforeValidator(_as_list), Field(min_length=1)]
"""Status codes; one alone needs no list."""
Share = Annotated[float, _expect("a share such as 0.9", lambda share: 0 < share <= 1)]
Line = Annotated[str, _expect("text on one line", _is_line)]
"""Text without line breaks or other control characters."""
UrlPath = Annotated[str, _expect("a path such as /health", _is_url_path)]
AbsolutePath = Annotated[
    str,
    _expect("an absolute path such as /data", lambda t: t.startswith("/") and _is_line(t)),
]
RelativePath = Annotated[
    str, _expect("a path such as ./compose.yaml", lambda t: not t.startswith("-") and _is_line(t))
]
"""A path that may be relative. A command would take one that starts with `-` for an option."""
HostName = Annotated[str, _expect("a host name or an IP address", is_host)]
VariableName = Annotated[str, _expect("a variable name such as API_KEY", _VARIABLE.fullmatch)]
Day = Annotated[date, BeforeValidator(_check("a date such as 2026-01-31", _is_date))]
Version = Annotated[str, _expect("a version such as 20.10", _VERSION.fullmatch)]
Url = Annotated[str, _expect("a URL such as https://example.com/", _is_url)]
EngineAddress = Annotated[str, _expect(ENGINE_EXPECTED, is_engine)]
HostKeys = Annotated[
    str,
    BeforeValidator(_host_keys),
    _expect(
        "public host keys such as ssh-ed25519 AAAA…, a line each",
        lambda keys: all(keys.split("\n")),
    ),
]
Subnet = Annotated[
    str,
    _expect("a subnet such as 172.20.0.0/16", _is_subnet),
    # As the engine writes it.
    AfterValidator(lambda text: str(ip_network(text))),
]
Host = Annotated[
    str,
    _expect("a host and port such as example.com:443 or *:443", _is_host_port),
    AfterValidator(str.lower),
]
Address = Annotated[str, _expect("an address and port such as 127.0.0.1:443", _is_endpoint)]
Control = Annotated[
    str,
    _expect(
        "a URL such as https://example.com/, a host and port such as example.com:443, or a host",
        _is_control,
    ),
]
"""What must be reachable from here; a host alone at port 443."""
Table = Annotated[
    Mapping[Name, T],
    Field(max_length=_MOST_ENTRIES),
    AfterValidator(MappingProxyType),
    PlainSerializer(dict),
]
"""Values by name, in the order of the file; as unchangeable as what holds it."""
Texts = Annotated[Mapping[Line, str], AfterValidator(MappingProxyType), PlainSerializer(dict)]
"""Texts by name."""
HeaderName = Annotated[str, _expect("a header name such as X-Served-By", _HEADER.fullmatch)]
Headers = Annotated[
    Mapping[HeaderName, Line], AfterValidator(MappingProxyType), PlainSerializer(dict)
]
"""Values by the name of the header."""
Addresses = Annotated[
    Mapping[Host, Address], AfterValidator(MappingProxyType), PlainSerializer(dict)
]
"""`host:port` to the `address:port` to connect to instead."""
