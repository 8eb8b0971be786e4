"""The snapshot: the facts of one run, with one field for each field that a probe declares."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from pydantic import create_model

from stackproof import probes
from stackproof.facts.snapshot import Facts
from stackproof.files import model_file
from stackproof.probes.declaration import PROBES, Probe
from stackproof.unobserved import Unobserved


def _import_probes() -> None:
    """Import the modules of `stackproof.probes` and of its folders.

    The folders in those are not imported. They hold what loads a large library, and are imported
    when it is used.
    """
    for folder in iter_modules(probes.__path__, f"{probes.__name__}."):
        module = import_module(folder.name)
        for each in iter_modules(getattr(module, "__path__", ()), f"{folder.name}."):
            if not each.ispkg:
                import_module(each.name)


def _fields() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for probe in PROBES.values():
        if probe.field:
            fields[probe.field] = _field(probe)
    return fields


def _field(probe: Probe[Any]) -> tuple[Any, Any]:
    if probe.is_whole:
        name = probe.field.replace("_", " ")
        unknown = Unobserved(reason=f"the snapshot does not hold the {name}")
        return probe.type | Unobserved, unknown
    return Mapping[str, probe.type | Unobserved], {}  # type: ignore[name-defined]


_import_probes()
DECLARED = frozenset(PROBES)
"""The probes whose facts a snapshot holds, by name. One that is declared later has no field."""

if TYPE_CHECKING:

    class Snapshot(Facts):
        """The facts of one run."""

        def __init__(self, **fields: Any) -> None:
            """Validate the fields."""

else:
    Snapshot = create_model("Snapshot", __base__=Facts, **_fields())


def read(path: Path) -> Snapshot:
    """Read a snapshot.

    Raises:
        ValueError: it cannot be read, or is not a snapshot; one line.
    """
    return model_file.read(Snapshot, path, "snapshot")
