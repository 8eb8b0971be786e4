"""The targets of `proxy_pass` and the like, and of the servers of an `upstream`."""

import re
from typing import NamedTuple

_TARGET = re.compile(
    r"(?:(?P<scheme>\w+)://)?(?:[^/?#@]*@)?"
    r"(?:(?P<socket>unix:[^:?#]*):?|(?P<host>\[[^\]/]*\]|[^:/?#]*)(?::(?P<port>[^/?#]*))?)"
    r"(?P<path>.*)",
    flags=re.DOTALL,
)
_SECURE = {"https": 443, "grpcs": 443, "suwsgi": 443}


class Target(NamedTuple):
    """A place that requests are passed to."""

    scheme: str
    host: str
    port: str
    """Empty if it is not written."""
    socket: str
    """The Unix socket instead of a host: `unix:/run/app.sock`."""
    path: str

    @property
    def address(self) -> str:
        """Return its host and port: `api:80` of `http://api/path`."""
        return self.socket or f"{self.host}:{self.port or _SECURE.get(self.scheme, 80)}"

    @property
    def written(self) -> str:
        """Return its host, and its port if it is written."""
        if self.socket:
            return "localhost"
        return f"{self.host}:{self.port}" if self.port else self.host


def parse_target(text: str) -> Target:
    """Parse `http://api:5000/path`, `api:5000`, `api` or `unix:/run/app.sock`."""
    found = next(_TARGET.finditer(text))  # it matches any text
    return Target(**{name: value or "" for name, value in found.groupdict().items()})
