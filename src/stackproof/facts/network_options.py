"""Settings of a network, by Compose's key: where files and engines have them, in one form."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any


def ipam_options(pools: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the addresses of a network's pools, each with the subnet of its pool."""
    for pool in pools:
        subnet = _network(str(pool.get("subnet") or ""))
        if gateway := pool.get("gateway"):
            yield f"ipam.gateway.{subnet}", _address(str(gateway))
        if ip_range := pool.get("ip_range"):
            yield f"ipam.ip_range.{subnet}", _network(str(ip_range))
        for host, address in (pool.get("aux_addresses") or {}).items():
            yield f"ipam.aux_addresses.{subnet}.{host}", _address(str(address))


def subnet_of(option: str) -> str:
    """Return the subnet that an option of `ipam` is about; empty for another option."""
    if not option.startswith("ipam."):
        return ""
    _, _, rest = option.removeprefix("ipam.").partition(".")
    subnet, slash, end = rest.partition("/")
    return f"{subnet}{slash}{end.partition('.')[0]}"


def _address(text: str) -> str:
    text = text.partition("/")[0]  # some engines add the length of the prefix
    try:
        return str(ip_address(text))
    except ValueError:
        return text


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        return text
