"""Published ports in Compose's notation, and whether a container publishes them."""

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import NamedTuple, Self

_FORM = re.compile(
    r"(?:(?P<address>\[[0-9A-Fa-f:.]+\]|[0-9]+(?:[.][0-9]+){3}|(?!any:)[A-Za-z][A-Za-z0-9.-]*):(?=[0-9a]))?"
    r"(?P<host>any|[1-9][0-9]{0,4}(?:-[1-9][0-9]{0,4})?)"
    r"(?::(?P<container>[1-9][0-9]{0,4}))?"
    r"(?:/(?P<protocol>tcp|udp|sctp))?"
)
_HIGHEST = 65535
_EVERYWHERE = ("", "0.0.0.0", "[::]")  # noqa: S104 - they are read, not bound


class PublishedPort(NamedTuple):
    """A published port: one of `first` to `last` on the host, at one address or at every one."""

    address: str
    """Empty for every address."""
    first: int
    last: int
    container: int | None
    """The port in the container; None for any."""
    protocol: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `443`, `127.0.0.1:8443:443`, `8080-8090:80` (one of them), `any:80` or `53/udp`.

        Raises:
            ValueError: the text has another form.
        """
        match = _FORM.fullmatch(text)
        if not match:
            raise ValueError(text)
        address, host, container, protocol = match.groups()
        first, _, last = ("1-65535" if host == "any" else host).partition("-")
        port = cls(
            _address(address or ""),
            int(first),
            int(last or first),
            int(container) if container else None,
            protocol or "tcp",
        )
        ends = (port.first, port.last, port.container or 1)
        if port.first > port.last or not all(1 <= each <= _HIGHEST for each in ends):
            raise ValueError(text)
        return port

    @property
    def is_exact(self) -> bool:
        """Return whether only one port of the host is right."""
        return self.first == self.last

    def format(self, *, container: bool) -> str:
        """Return it in Compose's notation, with or without the port in the container."""
        last = f"-{self.last}" if not self.is_exact else ""
        is_any = (self.first, self.last) == (1, _HIGHEST)
        address = (
            f"[{self.address}]:" if ":" in self.address else self.address and f"{self.address}:"
        )
        inside = f":{self.container}" if self.container and (container or is_any) else ""
        protocol = "" if self.protocol == "tcp" else f"/{self.protocol}"
        return f"{address}{'any' if is_any else f'{self.first}{last}'}{inside}{protocol}"

    def matches(self, observed: "PublishedPort") -> bool:
        """Return whether an observed port is this one."""
        return (
            self.first <= observed.first <= self.last
            and self.container in (None, observed.container)
            and (self.address, self.protocol) == (observed.address, observed.protocol)
        )


def format_like(declared: Iterable[str], ports: Iterable[PublishedPort]) -> str:
    """Return ports as messages list them: with ports of the container if the declared have them."""
    container = any(PublishedPort.parse(text).container for text in declared)
    return ", ".join(port.format(container=container) for port in ports)


def parse_observed(observed: Mapping[str, int]) -> list[PublishedPort]:
    """Return observed ports: by published port (`443`, `127.0.0.1:5432`), that in the container."""
    return [
        PublishedPort.parse(text)._replace(container=inside) for text, inside in observed.items()
    ]


def publishes_exactly(declared: Iterable[str], observed: Mapping[str, int]) -> bool:
    """Return whether a container publishes every declared port and no other.

    Args:
        declared: the declared ports.
        observed: by published port (`443`, `127.0.0.1:5432`), the port in the container.
    """
    wanted = [PublishedPort.parse(text) for text in declared]
    found = parse_observed(observed)
    is_declared = all(any(each.matches(port) for each in wanted) for port in found)
    return is_declared and all(any(each.matches(port) for port in found) for each in wanted)


def is_same(declared: Iterable[str], other: Iterable[str]) -> bool:
    """Return whether two declarations publish the same ports.

    Args:
        declared: the declared ports. Without a port of the container, any is the same.
        other: the ports that a Compose file publishes, each with its port of the container.
    """
    wanted, found = list(map(PublishedPort.parse, declared)), list(map(PublishedPort.parse, other))
    return (
        len(wanted) == len(found)
        and all(any(_covers(each, port) for each in wanted) for port in found)
        and all(any(_covers(each, port) for port in found) for each in wanted)
    )


def _covers(declared: PublishedPort, port: PublishedPort) -> bool:
    container = declared.container or port.container
    return declared._replace(container=container) == port


def _address(text: str) -> str:
    if text in _EVERYWHERE:
        return ""
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        return text.lower()
