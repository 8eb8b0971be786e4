"""A request as nginx gets it, and what becomes of it."""

import re
from collections.abc import Iterable, Mapping
from posixpath import normpath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
_SLASHES = re.compile("/{2,}")


class Request(NamedTuple):
    """A request to nginx."""

    url: str
    """The URL that the client requests."""
    scheme: str
    host: str
    """The host without its port, in lower case."""
    http_host: str
    """The `Host` header."""
    port: int
    """The port that nginx listens on; 0 for a Unix socket."""
    path: str
    """The path as the client writes it."""
    query: str
    method: str
    headers: Mapping[str, str]
    """The known headers of the request, by lower-case name."""
    statuses: frozenset[str] = frozenset()
    """The statuses that the client expects; empty if they are unknown."""
    address: str = ""
    """The address within nginx's container that it is sent to; empty if it comes from outside."""

    @property
    def uri(self) -> str:
        """Return the path as locations are compared with it: decoded, without `..` and `//`."""
        path = _SLASHES.sub("/", unquote(self.path) or "/")
        if "/." not in path:
            return path
        is_directory = path.endswith(("/", "/.", "/.."))
        return normpath(path).rstrip("/") + ("/" if is_directory else "")


def request_to(
    url: str,
    port: int,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    statuses: Iterable[int] = (),
) -> Request:
    """Return the request for a URL, at a port that nginx listens on."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".")
    own_port = parts.port in (None, DEFAULT_PORTS[parts.scheme])
    named = f"[{host}]" if ":" in host else host
    given = {name.lower(): value for name, value in (headers or {}).items()}
    http_host = given.get("host", named if own_port else f"{named}:{parts.port}")
    return Request(
        url=url,
        scheme=parts.scheme,
        host=host_of(http_host),
        http_host=http_host,
        port=port,
        path=parts.path or "/",
        query=parts.query,
        method=method,
        headers=given,
        statuses=frozenset(map(str, statuses)),
    )


def host_of(http_host: str) -> str:
    """Return the name in a `Host` header, as server blocks are compared with it."""
    address, bracket, _ = http_host.partition("]")
    host = address + bracket if http_host.startswith("[") else http_host.partition(":")[0]
    return host.lower().removesuffix(".")


class Outcome(NamedTuple):
    """What nginx does with a request."""

    addresses: tuple[str, ...] = ()
    """Where it passes the request: `api:5000`; empty if nginx responds itself."""
    path: str | None = None
    """The path and query of the request that it passes on; None if unknown."""
    http_host: str = ""
    """The `Host` header of that request."""
    scheme: str = "http"
    redirect: str = ""
    """Where it sends the client instead."""
    is_refused: bool = False
    """Whether no server block accepts the request."""
    is_default: bool = False
    """Whether no server block has the host, so that the default one gets the request."""
    server: str | None = None
    """The names of the server block; None if there is none."""
    location: str = ""
