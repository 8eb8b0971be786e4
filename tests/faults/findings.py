"""What each check says of a stack with a fault: its first line, its evidence and its hint.

`findings.yaml` is written by hand. No script writes it again: a test fails for a hint or a piece of
evidence that gets lost, and for a value that is wrong.
"""

from collections.abc import Mapping
from pathlib import Path

import yaml

from stackproof.frozen import Frozen
from tests.hints import Recorded


class ExpectedFinding(Frozen):
    """What one check says with one fault."""

    fault: str
    headline: str
    evidence: Mapping[str, str]
    """Title to text, which is cut."""
    hints: tuple[Recorded, ...]


def suite_of(check: str) -> str:
    """Return the suite of a check's id."""
    return check.partition(".")[0]


FINDINGS: Mapping[str, ExpectedFinding] = {
    check: ExpectedFinding.model_validate(finding)
    for check, finding in yaml.safe_load(
        Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    ).items()
}
