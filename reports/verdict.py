"""The verdict on one environment, as `verdict.json` holds it, and its JSON Schema.

`python -m reports.verdict` prints the schema; `verdict.schema.json` is its committed copy.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from environments.declared import Frozen
from reports.fields import Line, Lines, Title
from reports.outcome import Outcome, exit_code
from stackproof.exit_codes import EXIT_GO, EXIT_NO_GO, EXIT_UNKNOWN, is_interruption

VERDICT_VERSION: Literal[1] = 1

Decision = Literal["go", "no-go", "unknown"]
_DECISIONS: dict[int, Decision] = {EXIT_GO: "go", EXIT_NO_GO: "no-go"}


class Attempt(Frozen):
    """One look at a check's subject."""

    outcome: Outcome
    observed: Line
    """What was observed, or why nothing could be; empty on a pass."""

    def __str__(self) -> str:
        """One line: `FAIL: 502`."""
        return f"{self.outcome}: {self.observed}" if self.observed else str(self.outcome)


Since = Literal["new", "before", "unknown"]
_SINCE: Mapping[Since, str] = {
    "new": "new since the baseline",
    "before": "as before the deploy",
    "unknown": "unknown whether it is new",
}


class CheckResult(Frozen):
    """One check and what became of it. Texts are redacted, and empty where there is none."""

    id: Line
    """`suite.check[subject]`; where pytest could not say what it lost, pytest's own id of it."""
    suite: Line
    check: Line
    subject: Line
    service: Line
    """The service concerned; empty for none."""
    severity: Literal["critical", "normal"] = "normal"
    outcome: Outcome
    headline: Line = ""
    """What is wrong, in one line that stands alone; of a flaky check, what was at first."""
    expected: Line = ""
    observed: Line = ""
    # Not a default of its own, which would be copied deeply for each check.
    evidence: Mapping[Title, Lines] = Field(default_factory=dict)
    """Title to text, in the order in which they are to be read."""
    hint: Line = ""
    """The command that an operator runs next."""
    since: Since | None = None
    """Of a failure after a deploy: whether it is new since the baseline; None elsewhere."""
    waiver: Line = ""
    """Until when it is waived and why, or that its waiver has expired."""
    warnings: tuple[Line, ...] = ()
    """What does not make it wrong, and should be mended: one line each."""
    attempts: list[Attempt]
    """Oldest first."""
    duration_s: float = Field(default=0.0, ge=0)

    @property
    def first_line(self) -> str:
        """The headline, and whether what it says is new."""
        return f"{self.headline} ({_SINCE[self.since]})" if self.since else self.headline


WAITED = "waited"
"""Name of the property in which a report bears a `Waited`, as JSON."""


class Waited(Frozen):
    """How the wait for the stack to settle went, after a deploy or a rollback."""

    ended: Literal["settled", "late", "hopeless", "blind"]
    """`late`: the time was up. `hopeless`: waiting could not help. `blind`: nothing was seen."""
    seconds: float
    limit_s: float
    looks: int
    waited_for: Mapping[Line, float]
    """Seconds by what was waited for: `api: starting`."""
    pending: Mapping[Line, Line]
    """By service, what was still waited for in the end, or why no longer."""
    blind: Line
    """Why nothing could be seen in the end; empty where it could."""


class Verdict(Frozen):
    """Go or no-go for one environment, and everything that it rests on."""

    version: Literal[1] = VERDICT_VERSION
    run: str
    """Names the run, as its snapshot does: of several environments, if it verified them."""
    environment: Line
    engine: Line = ""
    """The address of the engine that was judged, without secrets; empty where none was asked."""
    replay_of: AwareDatetime | None = None
    """When the facts were gathered, where they were replayed; null where they are of this run."""
    selection: Line
    """What of the environment was verified: the options `-m` and `-k`, as in a shell."""
    gate: Literal["pre", "post", "rollback"] | None
    verdict: Decision
    exit_code: int
    """What the run would have ended with, had it verified this environment alone."""
    interrupted: bool
    """The run was stopped before every check had run."""
    started: AwareDatetime
    duration_s: float = Field(ge=0)
    waited: Waited | None = None
    """None where the run was not at a gate that waits."""
    counts: dict[Outcome, int]
    """Checks by outcome, zeros included."""
    warnings: tuple[Line, ...]
    """What should be mended in the environment's file: one line each."""
    checks: list[CheckResult]


def origin(verdict: Verdict) -> str:
    """Return what keeps a replay from being taken for a verdict of now; empty without a replay."""
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
    gate: Literal["pre", "post", "rollback"] | None,
    session_code: int,
    started: datetime,
    duration_s: float,
    waited: Waited | None = None,
    engine: str = "",
    replay_of: datetime | None = None,
) -> Verdict:
    """Decide on one environment.

    Args:
        environment: its name.
        checks: what became of its checks. None at all is `unknown`.
        run: names the run.
        selection: the options that select checks.
        warnings: what is to be told of the environment as a whole.
        gate: the moment of the deploy at which the checks ran.
        session_code: the whole run's exit code. Where it is pytest's own (interrupted, internal
            error, usage), it stands, and the verdict is `unknown`.
        started: when the run started, with its zone.
        duration_s: how long the run took, in seconds.
        waited: how the wait for the stack to settle went.
        engine: the address of the engine that was judged, without secrets.
        replay_of: when the facts were gathered, where they were replayed.
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
    """The JSON Schema of `verdict.json`."""
    schema = Verdict.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
