"""Odd values before every check: in place of each part of a healthy snapshot in turn.

A process of its own, as for whole snapshots: it collects once, and then runs on each change the
checks that can see it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any

import pytest
from pydantic import ValidationError

from environments import loader
from fixtures.collection import case_of
from fixtures.facts import Facts
from fixtures.needs import looks_of
from reports.classification import TRACEBACK
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
"""Values that are tried of those that the model takes, for each part."""
_OF_SUBJECTS = {
    "containers": "container", "images": "image", "usage": "usage", "responses": "response",
    "handshakes": "handshake", "answers": "health", "commands": "", "open_ports": "open_port",
    "proxies": "proxy", "alarms": "alarms",
}  # fmt: skip
"""Facts of which one subject stands for all, and the look that their checks need."""
_OF_ALL = {
    "listed": "listed", "networks": "networks", "host": "host", "machine": "machine",
    "image_ids": "image_ids", "gathered_at": "handshake",
}  # fmt: skip
"""Facts that no subject has by itself, and the same."""
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
        items = session.items
        texts, others = cycle(_TEXTS), cycle(_OTHERS)
        for path in _paths(self._facts):
            session.items = [item for item in items if _sees(item, path)]
            tried = 0 if session.items else _EACH
            for value in self._values(path, texts, others):
                if tried == _EACH:
                    break
                try:
                    facts = Facts.model_validate_json(
                        json.dumps(_changed(self._facts, path, value))
                    )
                except ValidationError:
                    continue
                self._judge(session, facts, f"{'.'.join(map(str, path))} = {value!r:.40}")
                tried += 1
        session.items = items
        return True

    def _values(
        self, path: Place, texts: Iterator[str], others: Iterator[Any]
    ) -> Sequence[float] | Iterator[Any]:
        """Odd values of the same type as what is there; of texts, others for each part."""
        there = self._facts
        for each in path:
            there = there[each]
        if isinstance(there, int | float) and not isinstance(there, bool):
            return _NUMBERS
        if isinstance(there, str):
            return islice(texts, len(_TEXTS))
        return islice(others, len(_OTHERS))

    def _judge(self, session: pytest.Session, facts: Facts, change: str) -> None:
        for result in judge(session, facts).told:
            if TRACEBACK in result.evidence:
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
        first_alone = len(path) == 1 and path[0] in {*_OF_SUBJECTS, "listed", "networks"}
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
    case, part = case_of(item), str(path[0])
    look = _OF_SUBJECTS.get(part) or _OF_ALL.get(part)
    if case is None or (look and look not in looks_of(item)):
        return False
    if part not in _OF_SUBJECTS or part in ("proxies", "alarms"):
        return look is not None
    subject = str(path[1]).rpartition(" ")[2] if len(path) > 1 else ""
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
