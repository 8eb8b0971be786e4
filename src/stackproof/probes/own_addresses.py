"""The addresses of the engine's machine: whether a container's network is one of its own.

An engine may keep its networks elsewhere: in a network namespace of its own, as rootless engines
do, or on other machines. A request to such an address would leave this machine, and a stranger
could answer.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from stackproof import shell
from stackproof.engine.machine_commands import run_on_server
from stackproof.facts.container import Endpoint
from stackproof.probes.declaration import ENVIRONMENT, Target, probe
from stackproof.unobserved import UnobservedError

_IPV4, _IPV6 = "/proc/net/fib_trie", "/proc/net/if_inet6"
_COMMAND = shell.line(f"grep -sB1 '/32 host LOCAL' {_IPV4}; cat {_IPV6}")
_IPV4_LOCAL = re.compile(r"\|-- (\d+\.\d+\.\d+\.\d+)\n\s*/32 host LOCAL")
_IPV6_LOCAL = re.compile(r"^([0-9a-f]{32}) ", re.MULTILINE)


# It does not wait for the list of containers, so that requests to them do not wait for it.
@probe(of=ENVIRONMENT)
def own_addresses(target: Target) -> frozenset[str]:
    """The addresses of the engine's machine: over ssh, or of this machine."""
    engine = target.environment.engine
    if urlsplit(engine.address).scheme != "ssh":
        return parse(_read_here())
    from stackproof.engine.ssh.link import open_link  # as in `connect`

    return parse(run_on_server(open_link(engine), _COMMAND))


def parse(printed: str) -> frozenset[str]:
    """Parse the addresses in the kernel's tables.

    Raises:
        UnobservedError: there are none, not even that of the loopback interface.
    """
    found = set(_IPV4_LOCAL.findall(printed))
    found |= {str(IPv6Address(int(word, 16))) for word in _IPV6_LOCAL.findall(printed)}
    if not found:
        raise UnobservedError("the addresses of the engine's machine cannot be read (/proc/net)")
    return frozenset(found)


def reachable_address(endpoints: Sequence[Endpoint], own: frozenset[str]) -> str:
    """Return the first address that is in a network of the engine's machine.

    Raises:
        UnobservedError: there is none, so that a request would leave the machine.
    """
    for endpoint in endpoints:
        if _is_own(endpoint, own):
            return endpoint.address
    networks = ", ".join(f"{each.address}/{each.prefix}" for each in endpoints)
    raise UnobservedError(
        f"its address leads elsewhere: the engine's machine has none in its network ({networks})"
    )


def _is_own(endpoint: Endpoint, own: frozenset[str]) -> bool:
    with suppress(ValueError):
        if endpoint.gateway:
            return str(ip_address(endpoint.gateway)) in own
        # An internal network has no gateway.
        if endpoint.prefix:
            network = ip_network(f"{endpoint.address}/{endpoint.prefix}", strict=False)
            return any(ip_address(each) in network for each in own)
    return False


def _read_here() -> str:
    printed = ""
    for path in (_IPV4, _IPV6):
        with suppress(OSError):
            printed += Path(path).read_text()
    return printed
