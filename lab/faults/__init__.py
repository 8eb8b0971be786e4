"""What can be broken in the lab, and what every fault must turn red. One small entry a fault."""

from lab.faults import (
    creation,
    datastores,
    development,
    health,
    host,
    kinds,
    lifecycle,
    nginx,
    postgresql,
    proxies,
    proxy,
    resources,
    routes,
    streaming,
    tls,
)
from lab.faults.fault import Fault

ALL: dict[str, Fault] = {
    fault.name: fault
    for module in (
        lifecycle,
        creation,
        nginx,
        proxy,
        routes,
        streaming,
        tls,
        datastores,
        postgresql,
        health,
        host,
        resources,
        development,
        kinds,
        proxies,
    )
    for fault in module.FAULTS
}


def inject(name: str) -> None:
    """Break the lab, and wait until what was broken shows.

    Raises:
        LabError: its shape is not up, or the fault did not show in time.
    """
    ALL[name].inject_now()


def heal(name: str) -> None:
    """Undo a fault, and wait until the whole lab is healthy again.

    Raises:
        LabError: the other shape is up, or it did not become healthy in time.
    """
    ALL[name].heal_now()
