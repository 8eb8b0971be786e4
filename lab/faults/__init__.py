"""What can be broken in the lab, and what every fault must turn red. One small entry a fault."""

from lab import containers
from lab.faults import (
    datastores,
    health,
    host,
    lifecycle,
    making,
    nginx,
    proxy,
    resources,
    routes,
    tls,
)
from lab.faults.fault import Fault

ALL: dict[str, Fault] = {
    fault.name: fault
    for module in (
        lifecycle,
        making,
        nginx,
        proxy,
        routes,
        tls,
        datastores,
        health,
        host,
        resources,
    )
    for fault in module.FAULTS
}


def inject(name: str) -> None:
    """Break the lab, and wait until what was broken shows.

    Raises:
        LabError: the lab is not up, or the fault did not show in time.
    """
    containers.refuse_foreign()
    ALL[name].inject_now()


def heal(name: str) -> None:
    """Undo a fault, and wait until the whole lab is healthy again.

    Raises:
        LabError: it did not become healthy in time.
    """
    containers.refuse_foreign()
    ALL[name].heal_now()
