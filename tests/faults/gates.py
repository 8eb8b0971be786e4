"""The checks that belong to a gate of a deploy alone, and the tests in which each bites.

An ordinary run does not collect them, so that no fault of the lab turns them red: what they judge
is a deploy. They are proven by deploys of the lab, and by facts of deploys.
"""

import inspect
import re
from importlib import import_module

from environments.declared import Frozen
from tests.suites.command_line import ROOT

_PROOFS = sorted([*ROOT.glob("tests/live/test_*.py"), *ROOT.glob("tests/suites/test_bite*.py")])


class GateCheck(Frozen):
    """A check of a gate, as it is written."""

    name: str
    why: str
    gates: tuple[str, ...]
    proofs: tuple[str, ...]
    """Files of tests that name a case of it, `deploy.order[shop]`."""


def checks() -> list[GateCheck]:
    """The checks of the gates, suite by suite, in the order in which they are written."""
    texts = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in _PROOFS
    }
    found = []
    for path in sorted(ROOT.glob("suites/test_*.py")):
        suite = path.stem.removeprefix("test_")
        for function, check in vars(import_module(f"suites.{path.stem}")).items():
            gates = [mark.args for mark in getattr(check, "pytestmark", ()) if mark.name == "gate"]
            if not gates or not function.startswith("test_"):
                continue
            name = f"{suite}.{function.removeprefix('test_')}"
            names_it = re.compile(rf"\b{re.escape(name)}\[")
            proofs = tuple(file for file, text in texts.items() if names_it.search(text))
            why = inspect.getdoc(check) or ""
            found.append(GateCheck(name=name, why=why, gates=gates[0], proofs=proofs))
    return found
