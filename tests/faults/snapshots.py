"""The committed snapshots: a stack with each fault, and healthy stacks."""

import gzip
from collections.abc import Iterator
from pathlib import Path

from lab import HERE, OUT, address
from lab.process import LabError
from stackproof.facts.machine import Machine
from stackproof.facts.snapshot import Facts
from stackproof.probes.snapshot import Snapshot

FOLDER = Path(__file__).parent / "snapshots"
_SUFFIX = ".json.gz"
_PORTS = (80, 443)
_ANYWHERE = "/opt/stackproof"
"""Replaces the path of the checkout that the lab was started from."""


def healthy(environment: str) -> str:
    """Return the name of the snapshot of a healthy environment."""
    return f"healthy-{environment}"


def names() -> frozenset[str]:
    return frozenset(path.name.removesuffix(_SUFFIX) for path in FOLDER.glob(f"*{_SUFFIX}"))


def read(name: str) -> Snapshot:
    """Read a committed snapshot.

    Raises:
        ValueError: the format of the facts has changed.
    """
    return Snapshot.model_validate_json(gzip.decompress(_path(name).read_bytes()))


def take(name: str, seen: Facts) -> Path:
    """Write the facts of a run as a snapshot, without anything specific to this machine.

    Raises:
        LabError: it holds a secret, or the lab is not where it is when its snapshots are replayed.
    """
    at = address.load()
    if (at.http_port, at.https_port) != _PORTS:
        raise LabError(
            f"snapshots are taken of a lab at the ports {_PORTS[0]} and {_PORTS[1]}, "
            f"not at {at.http_port} and {at.https_port}"
        )
    machine = seen.machine
    if isinstance(machine, Machine):
        machine = machine.model_copy(update={"name": "lab"})
    text = seen.model_copy(update={"machine": machine, "run": name}).model_dump_json()
    for root in (HERE.parent, OUT.resolve().parents[1]):
        text = text.replace(f"{root}/", f"{_ANYWHERE}/")
    if held := [path.name for path, secret in _secrets() if secret and secret in text]:
        raise LabError(f"{name}: the snapshot holds a secret: {', '.join(held)}")
    path = _path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def _path(name: str) -> Path:
    return FOLDER / f"{name}{_SUFFIX}"


def _secrets() -> Iterator[tuple[Path, str]]:
    for path in (OUT / "secrets").iterdir():
        yield path, path.read_text(encoding="utf-8").strip()
