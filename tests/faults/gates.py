"""The checks that run only at a gate of a deploy, and the tests in which each of them fails.

An ordinary run does not collect them, so no fault of the lab turns them red. The tests deploy the
lab, or replay facts of a deploy.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module

from stackproof.frozen import Frozen
from tests.command_line import ROOT

_PROOFS = sorted(
    [*ROOT.glob("tests/live/**/test_*.py"), *ROOT.glob("tests/suites/**/test_checks*.py")]
)
_CASE = re.compile(r"(\w+\.\w+)[\[\"]")


class GateCheck(Frozen):
    """A check of a gate, as it is written."""

    suite: str
    about: str
    """The suite's docstring."""
    name: str
    why: str
    gates: tuple[str, ...]
    proofs: tuple[str, ...]
    """Files of tests that name it, `"deploy.order"`, or a case of it, `deploy.order[shop]`."""


def checks() -> list[GateCheck]:
    """The checks of the gates, suite by suite, in the order in which they are written."""
    found = []
    for check, proofs in functions_with_proofs():
        gates = [mark.args for mark in getattr(check, "pytestmark", ()) if mark.name == "gate"]
        if gates:
            suite, _, name = _name(check).partition(".")
            found.append(
                GateCheck(
                    suite=suite,
                    about=inspect.getdoc(sys.modules[check.__module__]) or "",
                    name=f"{suite}.{name}",
                    why=inspect.getdoc(check) or "",
                    gates=gates[0],
                    proofs=proofs,
                )
            )
    return found


def functions_with_proofs() -> Iterator[tuple[Callable[..., None], tuple[str, ...]]]:
    """Yield every check, and the files of tests that name a case of it."""
    named = {
        path.relative_to(ROOT).as_posix(): set(_CASE.findall(path.read_text(encoding="utf-8")))
        for path in _PROOFS
    }
    for path in sorted(ROOT.glob("suites/**/test_*.py")):
        module = import_module(
            "stackproof." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
        )
        for function, check in vars(module).items():
            if function.startswith("test_"):
                yield check, tuple(file for file, names in named.items() if _name(check) in names)


def _name(check: Callable[..., None]) -> str:
    return f"{check.__module__.rpartition('.test_')[2]}.{check.__name__.removeprefix('test_')}"
