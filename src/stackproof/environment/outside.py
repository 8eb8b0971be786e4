"""The networks around the stack: of the containers, of the internet, and of this machine."""

from stackproof.frozen import Frozen
from stackproof.schema.addresses import Control, HostName, Subnet
from stackproof.schema.declared import (
    Declared,
)
from stackproof.schema.values import Port


class Network(Declared):
    """The network of the containers."""

    subnet: Subnet
    closed: bool = False
    """Whether only containers of declared services may be in the networks of the stack."""


class Outside(Declared):
    """The server as seen from the internet."""

    host: HostName
    """Its name or IP address."""
    closed_ports: tuple[Port, ...]
    """Ports that must not accept connections."""


class Vantage(Declared):
    """The place from which the suite runs."""

    control: Control | None = None
    """A target that must be reachable from there. Otherwise what is observed there is UNKNOWN."""


class ClosedPort(Frozen):
    """A port that must not accept connections from outside."""

    name: str
    host: str
    port: Port
    service: str
    """The service that listens on it inside the network. Empty if there is none."""
