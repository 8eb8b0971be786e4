"""Facts lose their secrets, and the checks judge them as if they still had them."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from pydantic import ValidationError

from stackproof.environment import loader
from stackproof.environment.model import Environment
from stackproof.facts.response import Listening
from stackproof.facts.snapshot import Facts
from stackproof.probes.facts_redaction import FactsRedaction
from stackproof.probes.snapshot import Snapshot
from tests import shop
from tests.command_line import ROOT
from tests.faults import snapshots
from tests.faults.replay import UNSET
from tests.probes.judged_facts import Results, judged

SECRET = "hunter2Xq9"  # noqa: S105 - of no one
ENVIRONMENTS = ROOT / "environments"
PLANTED = (
    "{} password={}",
    "{}, token: {}",
    "https://bob:{1}@{0}",
    '{} {{"api_key": "{}"}}',
    "{} redis-cli -a {}",
    "{}?access_token={}",
    "{0}-ghp_{1}{1}{1}{1}",
    "{} known-by-its-value",
)
"""What stands in a field, with what was there before and a secret."""
VARIABLES = {"SHOP_TOKEN": "known-by-its-value"}
SNAPSHOT = "container-crash-looping"
HEADER = ("environment", "run", "gathered_at", "duration_s")
"""The fields that all facts have."""

_NUMBERED = re.compile(r"REDACTED-\d+")


@cache
def _environment(name: str) -> Environment:
    return loader.load(name, ENVIRONMENTS, UNSET, offline=True)


def _texts(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all texts."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(each, (*path, key))


def _with(plain: Any, path: tuple[str | int, ...], form: str) -> Facts | None:
    """The facts with a secret at a path; None if only the present value is valid there."""
    changed = json.loads(json.dumps(plain))
    *parents, last = path
    inner = changed
    for part in parents:
        inner = inner[part]
    inner[last] = form.format(inner[last], SECRET)
    try:
        return Snapshot.model_validate_json(json.dumps(changed))
    except ValidationError:
        return None


def _planted(facts: Facts) -> dict[tuple[str | int, ...], list[Facts]]:
    """For each kind of field the facts with a secret there, in each form that fits.

    They hold only the field with the secret: all fields together take a long time to redact.
    """
    plain: dict[Any, Any] = facts.model_dump(mode="json")
    kinds: dict[tuple[str | int, ...], list[Facts]] = {}
    for path in _texts(plain):
        kind = (path[0], next(part for part in reversed(path) if isinstance(part, str)))
        if path[0] not in HEADER and kind not in kinds:
            only = {name: plain[name] for name in (*HEADER, path[0])}
            found = (_with(only, path, form) for form in PLANTED)
            kinds[kind] = [each for each in found if each]
    return {kind: found for kind, found in kinds.items() if found}


@pytest.mark.parametrize("name", sorted(snapshots.names()))
def test_snapshot_without_a_secret_stays_as_it_is(name: str) -> None:
    facts = snapshots.read(name)
    assert FactsRedaction(_environment(facts.environment)).redact(facts) == facts


def test_passwords_that_are_words_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("postgres", "docker", "master", "healthy", "running", "vpn-api", "platform_admin")
    variables = {f"{number}_PASSWORD": word for number, word in enumerate(words)}
    monkeypatch.setattr("os.environ", variables)
    facts = snapshots.read("healthy-lab")
    assert FactsRedaction(_environment("lab")).redact(facts) == facts


@pytest.fixture(scope="module")
def planted() -> dict[tuple[str | int, ...], list[Facts]]:
    return _planted(snapshots.read(SNAPSHOT))


@pytest.fixture
def redaction(monkeypatch: pytest.MonkeyPatch) -> FactsRedaction:
    monkeypatch.setattr("os.environ", VARIABLES)
    return FactsRedaction(_environment("lab"))


def test_no_secret_is_left(
    planted: dict[tuple[str | int, ...], list[Facts]], redaction: FactsRedaction
) -> None:
    facts = [each for forms in planted.values() for each in forms]
    assert len(facts) > 500
    for each in facts:
        written = redaction.redact(each).model_dump_json()
        assert SECRET not in written
        assert "known-by-its-value" not in written
        assert redaction.redact(Snapshot.model_validate_json(written)).model_dump_json() == written


def test_verdict_is_the_same(planted: dict[tuple[str | int, ...], list[Snapshot]]) -> None:
    fields = [str(kind[0]) for kind in planted]
    unchanged = snapshots.read(SNAPSHOT)
    facts = [
        unchanged.model_copy(update={field: getattr(forms[number % len(forms)], field)})
        for number, (field, forms) in enumerate(zip(fields, planted.values(), strict=True))
    ]
    results = judged(ENVIRONMENTS, "lab", facts, VARIABLES, fields)
    assert len(results) == len(facts)
    assert not [(before, after) for before, after in results if not _agree(before, after)]


def _agree(before: Results, after: Results) -> bool:
    """Whether outcomes are the same, and headlines but for what stands there for a secret."""
    return before.keys() == after.keys() and all(
        outcome == after[check][0]
        and (SECRET[:4] in headline or headline == _NUMBERED.sub("[redacted]", after[check][1]))
        for check, (outcome, headline) in before.items()
    )


def test_numbers_are_no_names(redaction: FactsRedaction) -> None:
    listening = {"web": Listening(closed={443: "refused, password=hunter2Xq9"})}
    redacted = redaction.redact(shop.facts(listening=listening))
    (closed,) = (each["closed"] for each in redacted.model_dump()["listening"].values())
    assert closed == {443: "refused, password=REDACTED-1"}
