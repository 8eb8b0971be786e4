"""Odd values before every check: in place of each part of a healthy snapshot in turn.

A process of its own, as for whole snapshots: it collects once, and then runs on each change the
checks that can see it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import pytest
from pydantic import ValidationError

from environments import loader
from fixtures.collection import case_of
from fixtures.facts import Facts
from fixtures.needs import looks_of
from reports.outcome import Outcome
from tests.faults import snapshots
from tests.faults.replay import ROOT, UNSET, judge

_DEADLINE = 300
_VALUES: tuple[Any, ...] = (
    "", "-1", "²", "9" * 20, "9" * 5000, "nan", "\0", "a\nb", "http://[", "[::1", "x" * 5000,
    "2026-01-31T12:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", '{"a":' * 5000,
    0, -1, 1 << 63, 10**400, 0.5, 1e308, None, True, [], {}, [""], {"": ""},
)  # fmt: skip
_EACH = 3
"""Values that are tried of those that the model takes, for each part."""
_BY_SUBJECT = {
    "containers": "container", "images": "image", "usage": "usage", "responses": "response",
    "handshakes": "handshake", "answers": "", "commands": "", "proxies": "proxy",
    "alarms": "alarms", "open_ports": "open_port",
}  # fmt: skip
"""Facts of which one subject stands for all, and the look that the checks of them need."""
_KEPT = {"version", "environment", "run"}
Place = tuple[str | int, ...]


def broken(name: str) -> list[str]:
    """What broke where one part of a committed snapshot is odd, a line each; and how many ran."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.odd", name],
        cwd=ROOT, env={"PATH": os.defpath, "PYTHONUTF8": "1", **UNSET},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=_DEADLINE,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    lines: list[str] = json.loads(done.stdout.splitlines()[-1])
    return lines


class _Plugin:
    def __init__(self, name: str) -> None:
        self._facts = json.loads(snapshots.read(name).model_dump_json())
        self.broken: list[str] = []
        self.ran = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items, values = session.items, cycle(_VALUES)
        for path in _paths(self._facts):
            session.items = [item for item in items if _sees(item, path)]
            tried = 0
            for value in islice(values, len(_VALUES)):
                try:
                    facts = Facts.model_validate_json(
                        json.dumps(_changed(self._facts, path, value))
                    )
                except ValidationError:
                    continue
                self._judge(session, facts, f"{'.'.join(map(str, path))} = {value!r:.40}")
                tried += 1
                if tried == _EACH:
                    break
        session.items = items
        return True

    def _judge(self, session: pytest.Session, facts: Facts, change: str) -> None:
        for result in judge(session, facts).told:
            looked = result.headline.startswith("could not look: ")
            if result.outcome is Outcome.UNKNOWN and not looked:
                self.broken.append(f"{change}: {result.id}: {result.headline}")
        self.ran += len(session.items)


def _paths(value: Any, path: Place = ()) -> Iterator[Place]:
    """Every part; of several subjects, and of several values of a list, the first one."""
    if path and path[0] in _KEPT:
        return
    if path:
        yield path
    if isinstance(value, dict):
        keys = list(value)
        first_alone = len(path) == 1 and path[0] in {*_BY_SUBJECT, "listed", "networks"}
        for key in keys[:1] if first_alone and path[0] != "commands" else keys:
            yield from _paths(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield from _paths(value[0], (*path, 0))


def _changed(facts: Any, path: Place, value: Any) -> Any:
    """A copy in which one part has another value."""
    if not path:
        return value
    copy: Any = facts.copy()
    copy[path[0]] = _changed(copy[path[0]], path[1:], value)
    return copy


def _sees(item: pytest.Item, path: Place) -> bool:
    """Whether a check can see a part of the facts."""
    case = case_of(item)
    if case is None or path[0] not in _BY_SUBJECT or len(path) == 1:
        return True
    look, subject = _BY_SUBJECT[str(path[0])], str(path[1]).rpartition(" ")[2]
    if look in ("proxy", "alarms"):
        return look in looks_of(item)
    return subject in (case.service, getattr(case.subject, "name", ""))


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
