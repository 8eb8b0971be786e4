"""Networks of the engine."""

from collections.abc import Iterator, Mapping

from stackproof.engine.answer import Answer
from stackproof.engine.client import LIST_CAP
from stackproof.engine.connection import Connection
from stackproof.facts.network_options import ipam_options
from stackproof.probes.declaration import ENVIRONMENT, Target, probe
from stackproof.probes.engine_session import connection


@probe(of=ENVIRONMENT, needs=[connection])
def network_list(_: Target, connection: Connection) -> Answer:
    """The engine's list of networks."""
    return connection.call(lambda engine: engine.get("/networks", limit=LIST_CAP))


@probe("networks", of=ENVIRONMENT, needs=[network_list])
def networks(_: Target, network_list: Answer) -> Mapping[str, tuple[str, ...]]:
    """The subnets of each network, by its name."""
    return {
        each.text("Name"): tuple(pool.text("Subnet") for pool in each.each("IPAM", "Config"))
        for each in network_list.each()
    }


@probe("internal_networks", of=ENVIRONMENT, needs=[network_list])
def internal_networks(_: Target, network_list: Answer) -> tuple[str, ...]:
    """The names of the networks that have no way out."""
    return tuple(
        each.text("Name") for each in network_list.each() if each.flag("Internal", default=False)
    )


@probe("network_options", of=ENVIRONMENT, needs=[network_list])
def network_options(_: Target, network_list: Answer) -> Mapping[str, Mapping[str, str]]:
    """The settings of each network by its name, by Compose's key."""
    return {each.text("Name"): dict(_options(each)) for each in network_list.each()}


def _options(raw: Answer) -> Iterator[tuple[str, str]]:
    yield "driver", raw.text("Driver", default="")
    for key, name in (("attachable", "Attachable"), ("enable_ipv6", "EnableIPv6")):
        yield key, "true" if raw.flag(name, default=False) else "false"
    for key, value in raw.items("Options"):
        yield f"driver_opts.{key}", value.text()
    yield from ipam_options(
        {
            "subnet": pool.text("Subnet", default=""),
            "gateway": pool.text("Gateway", default=""),
            "ip_range": pool.text("IPRange", default=""),
            "aux_addresses": {host: at.text() for host, at in pool.items("AuxiliaryAddresses")},
        }
        for pool in raw.each("IPAM", "Config")
    )
