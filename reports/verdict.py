"""The verdict on one environment, as `verdict.json` contains it, and its JSON Schema.

`python -m stackproof.reports.verdict` prints the schema. `verdict.schema.json` is the committed
copy.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from stackproof.facts.settling import Settling
from stackproof.frozen import Frozen
from stackproof.gate import GateName
from stackproof.outcome import (
    EXIT_GO,
    EXIT_NO_GO,
    EXIT_UNKNOWN,
    Outcome,
    exit_code,
    is_interruption,
)
from stackproof.printable.text_fields import Line, Lines, Title

VERDICT_VERSION: Literal[1] = 1

Decision = Literal["go", "no-go", "unknown"]
_DECISIONS: dict[int, Decision] = {EXIT_GO: "go", EXIT_NO_GO: "no-go"}


class Attempt(Frozen):
    """One attempt of a check."""

    outcome: Outcome
    observed: Line
    """What was observed, or why nothing could be; empty for a pass."""

    def __str__(self) -> str:
        """Return the attempt on one line: `FAIL: 502`."""
        return f"{self.outcome}: {self.observed}" if self.observed else str(self.outcome)


Since = Literal["new", "before", "unknown"]
_SINCE: Mapping[Since, str] = {
    "new": "new since the baseline",
    "before": "as before the deploy",
    "unknown": "unknown whether it is new",
}


class HintLine(Frozen):
    """One thing to do next: a command to paste, or advice."""

    text: Line
    place: Line = ""
    """Where the command is run, such as `here` or `on db.example.com`; empty for advice."""


class CheckResult(Frozen):
    """The result of one check. Texts are redacted, and empty if there is nothing to say."""

    id: Line
    """`suite.check[subject]`; pytest's node id if only that is known."""
    suite: Line
    check: Line
    subject: Line
    service: Line
    """The service concerned; empty for the stack as a whole."""
    severity: Literal["critical", "normal"] = "normal"
    outcome: Outcome
    headline: Line = ""
    """What is wrong, in one line that stands alone. For a flaky check: what was wrong at first."""
    expected: Line = ""
    observed: Line = ""
    # A default factory: pydantic would copy a default deeply for each check.
    evidence: Mapping[Title, Lines] = Field(default_factory=dict)
    """Texts by title, in reading order."""
    hint: Line = ""
    """The first of the hints that is a command, or else the first one."""
    hints: tuple[HintLine, ...] = ()
    """What to do next, in this order."""
    since: Since | None = None
    """After a deploy: whether the failure is new since the baseline. None otherwise."""
    waiver: Line = ""
    """Until when the check is waived and why, or that its waiver has expired."""
    warnings: tuple[Line, ...] = ()
    """Problems that do not fail the check, one line each."""
    attempts: list[Attempt]
    """Oldest first."""
    duration_s: float = Field(default=0.0, ge=0)

    @property
    def first_line(self) -> str:
        """The headline, and whether the failure is new."""
        return f"{self.headline} ({_SINCE[self.since]})" if self.since else self.headline


class Verdict(Frozen):
    """The verdict on one environment, and everything that it is based on."""

    version: Literal[1] = VERDICT_VERSION
    run: str
    """The id of the run, which its snapshots and the verdicts on other environments share."""
    environment: Line
    engine: Line = ""
    """The address of the engine, without secrets; empty if no engine was used."""
    replay_of: AwareDatetime | None = None
    """In a replay: when the facts were gathered. Null otherwise."""
    selection: Line
    """The selected checks: the options `-m`, `-k`, `--lf` and `--sw`, quoted for a shell."""
    gate: GateName | None
    verdict: Decision
    exit_code: int
    """The exit code of a run that verifies only this environment."""
    interrupted: bool
    """Whether the run was stopped before every check had run."""
    started: AwareDatetime
    duration_s: float = Field(ge=0)
    waited: Settling | None = None
    """How the gate waited for the stack to settle. None without such a gate."""
    counts: dict[Outcome, int]
    """Checks by outcome, including zeros."""
    warnings: tuple[Line, ...]
    """Problems of the environment as a whole, one line each."""
    checks: list[CheckResult]


def origin(verdict: Verdict) -> str:
    """Return a prefix that identifies a replay, so that it is not read as current; else empty."""
    if verdict.replay_of is None:
        return ""
    return f"REPLAY of {verdict.replay_of.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC: "


def judge(
    environment: str,
    checks: Sequence[CheckResult],
    *,
    run: str,
    selection: str,
    warnings: Iterable[str] = (),
    gate: GateName | None,
    session_code: int,
    started: datetime,
    duration_s: float,
    waited: Settling | None = None,
    engine: str = "",
    replay_of: datetime | None = None,
) -> Verdict:
    """Return the verdict on one environment.

    Args:
        environment: its name.
        checks: the results of its checks. Without any, the verdict is `unknown`.
        run: the id of the run.
        selection: the options that selected the checks.
        warnings: problems of the environment as a whole.
        gate: the gate at which the checks ran.
        session_code: the exit code of the whole run. A code of pytest itself (interrupted, internal
            error, usage) takes precedence, and the verdict is `unknown`.
        started: when the run started, with a time zone.
        duration_s: the duration of the run in seconds.
        waited: how the gate waited for the stack to settle.
        engine: the address of the engine, without secrets.
        replay_of: in a replay, when the facts were gathered.
    """
    outcomes = [check.outcome for check in checks]
    ours = session_code in (EXIT_GO, EXIT_NO_GO, EXIT_UNKNOWN)
    code = exit_code(outcomes) if ours else session_code
    counts = Counter(outcomes)
    return Verdict(
        run=run,
        environment=environment,
        engine=engine,
        replay_of=replay_of,
        selection=selection,
        gate=gate,
        verdict=_DECISIONS.get(code, "unknown"),
        exit_code=code,
        interrupted=is_interruption(session_code),
        started=started,
        duration_s=round(duration_s, 3),
        waited=waited,
        counts={outcome: counts[outcome] for outcome in Outcome},
        warnings=tuple(warnings),
        checks=list(checks),
    )


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `verdict.json`."""
    schema = Verdict.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
