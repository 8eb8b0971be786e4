"""The results of checks on facts and on the redacted facts, computed in a separate process."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

import pytest
from pydantic import TypeAdapter

from stackproof.facts.snapshot import Facts
from stackproof.fixtures.session.facts.needs import facts_of
from stackproof.probes.declaration import PROBES
from stackproof.probes.facts_redaction import FactsRedaction
from stackproof.probes.snapshot import Snapshot
from stackproof.secrets import redact
from tests.command_line import ROOT
from tests.faults.replay import UNSET, WITHOUT, judge

Results = dict[str, tuple[str, str]]
"""Outcome and headline of each check that did not pass, by check ID."""
_FILE = TypeAdapter(list[Snapshot])
_RESULTS = TypeAdapter(list[tuple[Results, Results]])


def judged(
    environments: Path,
    name: str,
    facts: Iterable[Snapshot],
    variables: Mapping[str, str] | None = None,
    fields: Sequence[str] = (),
) -> list[tuple[Results, Results]]:
    """Return the results of an environment's checks for the facts, and for the redacted facts.

    The headlines of both are redacted.

    Args:
        environments: the directory of the environment file.
        name: of the environment.
        facts: each is judged by itself.
        variables: environment variables.
        fields: for each of the facts the only field whose checks judge it; by default, all do.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, written = Path(folder) / "facts.json", Path(folder) / "results.json"
        given.write_bytes(_FILE.dump_json(list(facts)))
        done = subprocess.run(
            [
                sys.executable, "-m", "tests.probes.judged_facts",
                environments, name, given, written, *fields,
            ],
            cwd=ROOT, env={"PATH": os.defpath, "PYTHONUTF8": "1", **UNSET, **(variables or {})},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return _RESULTS.validate_json(written.read_bytes())


class _Plugin:
    def __init__(self, facts: list[Snapshot], fields: Sequence[str]) -> None:
        self._facts = facts
        self._fields = fields or [""] * len(facts)
        self.results: list[tuple[Results, Results]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = session.items
        for facts, field in zip(self._facts, self._fields, strict=True):
            session.items = [item for item in items if not field or _uses(item, field)]
            with patch.object(FactsRedaction, "redact", lambda _, facts: facts):
                before = _results(session, facts)
            self.results.append((before, _results(session, facts)))
        session.items = items
        return True


def _uses(item: pytest.Item, field: str) -> bool:
    """Return whether a check uses a field of the facts."""
    fields = {fact.probe.field for fact in facts_of(item)}
    of_probes = {probe.field for probe in PROBES.values()}
    return field in fields or field not in of_probes


def _results(session: pytest.Session, facts: Facts) -> Results:
    return {
        each.id: (each.outcome, redact(each.headline)) for each in judge(session, facts).not_passed
    }


def _main(environments: str, name: str, given: str, written: str, *fields: str) -> int:
    plugin = _Plugin(_FILE.validate_json(Path(given).read_bytes()), fields)
    options = ["--collect-only", "-qq", "--capture=no", "--tb=native", *WITHOUT]
    code = pytest.main([*options, "-m", name, f"--environments={environments}"], plugins=[plugin])
    Path(written).write_bytes(_RESULTS.dump_json(plugin.results))
    return int(code)


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
