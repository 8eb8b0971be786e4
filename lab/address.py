"""The address of the lab: its certificate authority and the ports that nginx publishes."""

import errno
import shlex
import socket
from dataclasses import dataclass
from pathlib import Path

from lab import OUT
from lab.process import LabError
from lab.shapes import PRODUCTION, Shape

FILE = OUT / "lab.env"
ENGINE = "DOCKER_HOST="
"""The start of the line that a fault adds to send clients to another engine."""


@dataclass(frozen=True)
class Address:
    """The certificate authority that clients trust, and the two published ports."""

    ca_file: Path
    http_port: int
    https_port: int

    def variables(self) -> dict[str, str]:
        """Return it as environment variables."""
        return {
            "LAB_CA_FILE": str(self.ca_file),
            "LAB_HTTP_PORT": str(self.http_port),
            "LAB_HTTPS_PORT": str(self.https_port),
        }

    def assignments(self) -> str:
        """Return it as lines that the shell and every dotenv parser can read."""
        return "".join(f"{name}={shlex.quote(value)}\n" for name, value in self.variables().items())

    def save(self) -> None:
        """Save it for later runs."""
        FILE.write_text(self.assignments())


def load() -> Address:
    """Return the saved address.

    Raises:
        LabError: the lab was never brought up, or the file is damaged.
    """
    try:
        entries = dict(line.split("=", 1) for line in shlex.split(FILE.read_text()))
        return Address(
            Path(entries["LAB_CA_FILE"]),
            int(entries["LAB_HTTP_PORT"]),
            int(entries["LAB_HTTPS_PORT"]),
        )
    except FileNotFoundError:
        raise LabError("the lab was never brought up here: scripts/lab up") from None
    except (KeyError, ValueError):
        raise LabError(f"{FILE} is damaged: delete it, then scripts/lab up") from None


def forget_engine() -> None:
    """Remove the address of another engine that a fault has written."""
    if FILE.exists() and ENGINE in (text := FILE.read_text()):
        lines = text.splitlines(keepends=True)
        FILE.write_text("".join(line for line in lines if not line.startswith(ENGINE)))


def variables(shape: Shape) -> dict[str, str]:
    """Return the variables of the shape's compose file. Only production's has any."""
    return load().variables() if shape is PRODUCTION else {}


def refuse_taken(shape: Shape, published: frozenset[int]) -> None:
    """Raise an error if another program uses a port that the shape's compose file names."""
    for port, service in shape.ports.items():
        if port not in published and not _is_free(port):
            raise LabError(
                f"port {port}, which {service} publishes, is taken on this machine: "
                f"free it first (ss -ltnp 'sport = :{port}')"
            )


def choose(ca_file: Path, published: frozenset[int]) -> Address:
    """Return the previous ports, at first 80 and 443, and free ones instead of those in use.

    Ports that the lab itself publishes count as free.
    """
    ports = (80, 443)
    if FILE.exists():
        ports = (load().http_port, load().https_port)
    http, https = (port if port in published or _is_free(port) else _free() for port in ports)
    return Address(ca_file, http, https)


def _is_free(port: int) -> bool:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("0.0.0.0", port))  # noqa: S104
        except OSError as error:
            # A low port needs a permission that the engine has, and this process does not need.
            return error.errno == errno.EACCES
    return True


def _free() -> int:
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))  # noqa: S104
        port: int = server.getsockname()[1]
        return port
