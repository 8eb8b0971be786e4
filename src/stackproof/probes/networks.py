"""Networks of the engine."""

from collections.abc import Mapping

from stackproof.engine.answer import Answer
from stackproof.engine.client import LIST_CAP
from stackproof.engine.connection import Connection
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
