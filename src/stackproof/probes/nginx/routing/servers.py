"""The server block that gets a request, by nginx's own rules."""

from collections.abc import Sequence
from typing import NamedTuple

from stackproof.probes.nginx.configuration.listen import ANY_IPV4, ANY_IPV6
from stackproof.probes.nginx.configuration.model import Server
from stackproof.probes.nginx.routing.choices import Budget, Choices, Match


class Chosen(NamedTuple):
    """A server block, and how it was found."""

    server: Server
    is_named: bool
    """Whether it has the host among its names; otherwise it is the default."""
    match: Match = None
    """The match of the regular expression that is its name."""


def at_socket(
    servers: Sequence[Server], address: str, port: int, choices: Choices
) -> list[tuple[Server, bool]]:
    """Return the servers that share the socket of a connection, and whether each is its default.

    Args:
        servers: all servers, in the order of the configuration.
        address: the address within the container; empty if the connection comes from outside;
            `unix:` and a path for a Unix socket.
        port: the port; 0 for a Unix socket.
        choices: decides among sockets if it is unknown which one gets the connection.
    """
    by_address: dict[str, list[tuple[Server, bool]]] = {}
    loopback: set[str] = set()
    for server in servers:
        seen: set[str] = set()
        for each in server.listens:
            if each.first <= port <= each.last and each.address not in seen:
                seen.add(each.address)
                if each.is_loopback and each.address not in by_address:
                    loopback.add(each.address)
                by_address.setdefault(each.address, []).append((server, each.is_default))
    if address in by_address:
        return by_address[address]
    if address.startswith("unix:"):
        return []
    anywhere = [each for each in (ANY_IPV4, ANY_IPV6) if each in by_address][:1]
    special = [each for each in by_address if each not in {*loopback, ANY_IPV4, ANY_IPV6}]
    sockets = anywhere if address else [*special, *anywhere]
    if not sockets:
        return []
    number = choices.choose(("socket", address, port), len(sockets), f"listen {sockets[0]}:{port}")
    return by_address[sockets[number]]


def server_of(servers: Sequence[tuple[Server, bool]], host: str, budget: Budget) -> Chosen | None:
    """Return the server block that gets a request for a host; None if there is none.

    Raises:
        UnobservedError: that depends on a regular expression that cannot be evaluated here.
    """
    budget.spend(sum(len(server.names) for server, _ in servers))
    names = _Names(servers)
    if found := names.find(host):
        return Chosen(found, is_named=True)
    for server, pattern in names.patterns:
        if match := budget.search(pattern, host, ignore_case=True):
            return Chosen(server, is_named=True, match=match)
    default = next((server for server, is_default in servers if is_default), None)
    if default is None and servers:
        default = servers[0][0]
    return Chosen(default, is_named=False) if default else None


class _Names:
    """The names of the servers of one socket. Of names that conflict, the first one counts."""

    def __init__(self, servers: Sequence[tuple[Server, bool]]) -> None:
        self.patterns: list[tuple[Server, str]] = []
        self._exact: dict[str, Server | None] = {}
        self._heads: dict[str, tuple[Server, bool]] = {}
        """By `shop.test`: `*.shop.test`, or `.shop.test`, which includes the name itself."""
        self._tails: dict[str, Server] = {}
        for server, _ in servers:
            for name in server.names:
                self._add(server, name)

    def _add(self, server: Server, name: str) -> None:
        text = name.lower()
        if name.startswith("~"):
            self.patterns.append((server, name[1:]))
        elif text.startswith("*."):
            self._heads.setdefault(text[2:], (server, False))
        elif text.endswith(".*"):
            self._tails.setdefault(text[:-2], server)
        elif text.startswith("."):
            if text[1:] not in self._exact:
                self._exact[text[1:]] = None
                self._heads.setdefault(text[1:], (server, True))
        else:
            self._exact.setdefault(text, server)

    def find(self, host: str) -> Server | None:
        """Return the server whose name fits best."""
        if found := self._exact.get(host):
            return found
        labels = host.split(".")
        for start in range(len(labels)):
            head = self._heads.get(".".join(labels[start:]))
            if head and (start or head[1]):
                return head[0]
        for end in range(len(labels) - 1, 0, -1):
            if found := self._tails.get(".".join(labels[:end])):
                return found
        return None
