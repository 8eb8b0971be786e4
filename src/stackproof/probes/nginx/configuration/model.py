"""nginx's configuration: its servers, its groups of upstream servers, and its variables."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from stackproof.probes.nginx.configuration import parser, patterns
from stackproof.probes.nginx.configuration.listen import Listen, parse_listen
from stackproof.probes.nginx.configuration.parser import Directive
from stackproof.probes.nginx.configuration.target import parse_target
from stackproof.unobserved import UnobservedError

PASSES = frozenset(
    ["proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "memcached_pass"]
)
# Larger ones take more than half a second.
_MAX_LENGTH = 1 << 20
_MAX_SERVERS = 10_000
_DATAGRAMS = frozenset(["udp", "quic"])
_DEFINITIONS = frozenset(["map", "geo", "split_clients"])
# What other languages compute.
_COMPUTED = re.compile(r"js_set|perl_set|auth_request_set|set_\w+")


class Group(NamedTuple):
    """An `upstream` block."""

    addresses: tuple[str, ...]
    """The addresses that get requests: not those of backups, and not those that are down."""
    resolved_at_load: frozenset[str]
    """Hosts whose addresses nginx resolves only when it loads its configuration."""
    balancer: str
    """A directive of another language that selects the server."""


class Server(NamedTuple):
    """A server block."""

    names: tuple[str, ...]
    listens: tuple[Listen, ...]
    directive: Directive

    @property
    def ports(self) -> tuple[int, ...]:
        """Return the ports that it listens on; of a range, the first."""
        return tuple(each.first for each in self.listens if each.first)


@dataclass(frozen=True, slots=True)
class Scope:
    """The `http` block, or the `stream` block."""

    top: Directive
    servers: tuple[Server, ...] = ()
    groups: Mapping[str, Group] = field(default_factory=dict)
    definitions: Mapping[str, Directive] = field(default_factory=dict)
    """The `map`, `geo` or `split_clients` of each variable."""
    assigned: frozenset[str] = frozenset()
    """Variables that get a value by `set` or by a regular expression."""
    computed: Mapping[str, str] = field(default_factory=dict)
    """The directive that computes each variable in another language."""


class Configuration(NamedTuple):
    """All of the configuration that decides where requests go."""

    http: Scope
    stream: Scope
    top: tuple[Directive, ...] = ()


def parse(dump: str) -> Configuration:
    """Parse the output of `nginx -T`.

    Raises:
        UnobservedError: it cannot be parsed, or exceeds a limit.
    """
    if len(dump) > _MAX_LENGTH:
        raise UnobservedError(f"nginx's configuration is longer than {_MAX_LENGTH >> 20} MiB")
    top = parser.parse(dump)
    return Configuration(_scope("http", top), _scope("stream", top), tuple(top))


def all_of(directives: Iterable[Directive]) -> Iterator[Directive]:
    """Yield directives, and those in their blocks."""
    for each in directives:
        yield each
        yield from all_of(each.block)


def _scope(name: str, top: Iterable[Directive]) -> Scope:
    block = [each for found in top if found.name == name for each in found.block]
    everything = list(all_of(block))
    servers = tuple(_server(each) for each in block if each.name == "server")
    return Scope(
        top=Directive(name, [], [each for each in block if each.name != "server"]),
        servers=servers,
        groups={each.argument().lower(): _group(each) for each in block if each.name == "upstream"},
        definitions={_defined(each): each for each in block if each.name in _DEFINITIONS},
        assigned=frozenset(_assigned(everything)),
        computed={
            each.argument().removeprefix("$"): each.name
            for each in everything
            if _COMPUTED.fullmatch(each.name) and each.arguments and each.argument().startswith("$")
        },
    )


def _server(directive: Directive) -> Server:
    listens = [each for each in directive.block if each.name == "listen"]
    return Server(
        names=tuple(
            name
            for each in directive.block
            if each.name == "server_name"
            for name in each.arguments
        ),
        listens=tuple(
            parse_listen(each.argument(), each.arguments[1:])
            for each in listens
            if not _DATAGRAMS & set(each.arguments)
        )
        or ((parse_listen("80", ()),) if not listens else ()),
        directive=directive,
    )


def _group(directive: Directive) -> Group:
    servers = [each for each in directive.block if each.name == "server"]
    if len(servers) > _MAX_SERVERS:
        raise UnobservedError(
            "nginx's configuration passes requests to too many servers to be read"
        )
    of_rank: dict[bool, list[str]] = {False: [], True: []}
    for each in servers:
        if "down" not in each.arguments:
            of_rank["backup" in each.arguments].append(parse_target(each.argument()).address)
    lookups = (each for each in servers if "resolve" not in each.arguments)
    balancers = (each.name for each in directive.block if "_by_lua" in each.name)
    return Group(
        addresses=tuple(dict.fromkeys(of_rank[False] or of_rank[True])),
        resolved_at_load=frozenset(
            target.host for each in lookups if (target := parse_target(each.argument())).host
        ),
        balancer=next(balancers, ""),
    )


def _defined(directive: Directive) -> str:
    """Return the variable that a `map`, a `geo` or a `split_clients` defines."""
    return directive.argument(len(directive.arguments) - 1).removeprefix("$")


def _assigned(directives: Iterable[Directive]) -> Iterator[str]:
    for each in directives:
        if each.name == "set":
            yield each.argument().removeprefix("$")
        for word in (each.name, *each.arguments):
            if "(?" in word:
                yield from patterns.names(word)
