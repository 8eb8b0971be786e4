"""Faults of the proxies shape, one module for each proxy."""

from lab.faults.fault import Fault
from lab.faults.proxies import caddy, haproxy, traefik

FAULTS: tuple[Fault, ...] = (
    *caddy.FAULTS,
    *traefik.FAULTS,
    *haproxy.FAULTS,
)
