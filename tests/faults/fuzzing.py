"""Unusual values in every fact: each part of a healthy snapshot is replaced in turn.

As for whole snapshots, a process of its own collects once. For each change it then runs the checks
that use the changed part.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import cycle, islice
from typing import Any

import pytest
from pydantic import ValidationError

from stackproof.environment import loader
from stackproof.fixtures.session.collection import case_of
from stackproof.fixtures.session.facts.needs import facts_of
from stackproof.probes.declaration import CADDY, ENVIRONMENT, NGINX, PROBES
from stackproof.probes.http.tls import handshake
from stackproof.probes.snapshot import Snapshot
from stackproof.reports.check_results import TRACEBACK
from tests.faults import snapshots
from tests.faults.replay import ROOT, UNSET, judge

_DEADLINE = 300
_NUMBERS = (0, 1 << 62, 10**400, 1e308, -1)
_TEXTS = (
    "", "-1", "²", "9" * 20, "9" * 5000, "nan", "\0", "a\nb", "http://[", "[::1", "x" * 5000,
    "2026-01-31T12:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", '{"a":' * 5000,
)  # fmt: skip
_OTHERS: tuple[Any, ...] = (None, [], {}, [""], {"": ""}, 0, "")
_EACH = 2
"""How many values that the model accepts are tried for each part."""
_KEPT = {"version", "environment", "run"}
_HEADER = ("environment", "run", "gathered_at", "duration_s")
"""The fields that all facts have."""
Place = tuple[str | int, ...]


def broken(name: str) -> list[str]:
    """Return one line for each check that broke, and last how many checks ran."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.fuzzing", name],
        cwd=ROOT, env={"PATH": os.defpath, "PYTHONUTF8": "1", **UNSET},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=_DEADLINE,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    lines: list[str] = json.loads(done.stdout.splitlines()[-1])
    return lines


class _Plugin:
    def __init__(self, name: str) -> None:
        self._healthy = snapshots.read(name)
        self._facts = json.loads(self._healthy.model_dump_json())
        self.broken: list[str] = []
        self.ran = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = session.items
        users: dict[tuple[str, str], list[pytest.Item]] = {}
        texts, others = cycle(_TEXTS), cycle(_OTHERS)
        for path in _paths(self._facts):
            part, subject = str(path[0]), str(path[1]).rpartition(" ")[2] if len(path) > 1 else ""
            if (part, subject) not in users:
                users[part, subject] = [item for item in items if _sees(item, part, subject)]
            session.items = users[part, subject]
            tried = 0 if session.items else _EACH
            for value in self._values(path, texts, others):
                if tried == _EACH:
                    break
                try:
                    facts = self._with(part, _changed(self._facts[part], path[1:], value))
                except ValidationError:
                    continue
                self._judge(session, facts, f"{'.'.join(map(str, path))} = {value!r:.40}")
                tried += 1
        session.items = items
        return True

    def _with(self, part: str, value: Any) -> Snapshot:
        """Return the facts with another value of one part. All parts take long to validate."""
        header = {name: self._facts[name] for name in _HEADER}
        changed = Snapshot.model_validate_json(json.dumps({**header, part: value}))
        return self._healthy.model_copy(update={part: getattr(changed, part)})

    def _values(
        self, path: Place, texts: Iterator[str], others: Iterator[Any]
    ) -> Sequence[float] | Iterator[Any]:
        """Return unusual values of the same type as the original; other texts for each part."""
        there = self._facts
        for each in path:
            there = there[each]
        if isinstance(there, int | float) and not isinstance(there, bool):
            return _NUMBERS
        if isinstance(there, str):
            return islice(texts, len(_TEXTS))
        return islice(others, len(_OTHERS))

    def _judge(self, session: pytest.Session, facts: Snapshot, change: str) -> None:
        for result in judge(session, facts).not_passed:
            if TRACEBACK in result.evidence:
                self.broken.append(f"{change}: {result.id}: {result.headline}")
        self.ran += len(session.items)


def _paths(value: Any, path: Place = ()) -> Iterator[Place]:
    """Yield the path of every part; of several subjects or list items only the first."""
    if path and path[0] in _KEPT:
        return
    if path:
        yield path
    if isinstance(value, dict):
        keys = list(value)
        first_alone = len(path) == 1 and path[0] in _mappings()
        for key in keys[:1] if first_alone and path[0] != "commands" else keys:
            yield from _paths(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield from _paths(value[0], (*path, 0))


def _changed(facts: Any, path: Place, value: Any) -> Any:
    """Return a copy in which one part has another value."""
    if not path:
        return value
    copy: Any = facts.copy()
    copy[path[0]] = _changed(copy[path[0]], path[1:], value)
    return copy


@cache
def _mappings() -> frozenset[str]:
    """Return the fields of which one entry stands for all."""
    by_target = {probe.field for probe in PROBES.values() if not probe.is_whole}
    return frozenset(by_target | {"listed", "networks"})


def _sees(item: pytest.Item, part: str, subject: str) -> bool:
    """Return whether a check uses a part of the facts of a subject; of all subjects if empty."""
    case = case_of(item)
    probes = [fact.probe for fact in facts_of(item)]
    if part == "gathered_at":
        return handshake in probes
    if case is None or not any(probe.field == part for probe in probes):
        return False
    if any(probe.of in (ENVIRONMENT, NGINX, CADDY) for probe in probes if probe.field == part):
        return True
    return subject in ("", case.service, getattr(case.subject, "name", ""))


def _main(name: str) -> int:
    plugin = _Plugin(name)
    environments = " or ".join(loader.names(ROOT / "environments"))
    code = pytest.main(
        ["--collect-only", "-qq", "-m", environments, "--capture=no", "--tb=native"],
        plugins=[plugin],
    )
    print(f"\n{json.dumps([*plugin.broken, str(plugin.ran)])}")
    return int(code)


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
