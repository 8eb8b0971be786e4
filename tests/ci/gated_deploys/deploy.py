"""A deploy through `scripts/gated-deploy` while something impairs the gates, and its result."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal

HANG_SECONDS = 300
"""A gate may take three minutes more than `--wait` before it is killed."""

Release = Literal["good", "unhealthy", "502", "half", "not deployed"]
"""What the deploy does. `half`: its command fails between two services."""
RELEASES: Sequence[Release] = ("good", "good", "good", "unhealthy", "502", "half", "not deployed")


@dataclass
class ImpairedDeploy:
    """One deploy and its result."""

    number: int
    folder: Path
    release: Release
    impairment: str
    exit_code: int | None = None
    """None if it hung."""
    seconds: float = 0.0
    states: list[str] = field(default_factory=list)
    """The steps of the deploy and the rollback command, oldest first."""
    verdicts: dict[str, str] = field(default_factory=dict)
    """By gate."""

    @property
    def rolled_back(self) -> bool:
        return "rolled-back" in self.states

    @property
    def good(self) -> bool:
        """Whether a good release was deployed completely."""
        return self.release == "good" and "deployed" in self.states

    @property
    def violations(self) -> Iterator[str]:
        """What happened and must never happen."""
        good = self.good
        if self.exit_code is None:
            yield f"it took more than {HANG_SECONDS} s"
        if self.rolled_back and good:
            yield "a good release was rolled back"
        if self.rolled_back and self.states[0] != "started":
            yield "a rollback without a deploy"
        if self.exit_code == 0 and not good:
            yield "exit code 0 without a good release"
        if self.exit_code == 0 and self.verdicts.get("post") != "go":
            yield "exit code 0 without a verdict of go"
        if self.exit_code == 1 and "no-go" not in self.verdicts.values():
            yield "exit code 1 without a verdict of no-go"
        if self.impairment == "none":
            expected = (0, False) if good else (1, True)
            if (self.exit_code, self.rolled_back) != expected:
                yield f"not impaired, and not (exit code, rolled back) {expected}"


def figures(deploys: Sequence[ImpairedDeploy]) -> Iterator[str]:
    """Yield the results by impairment."""
    by_kind: defaultdict[str, list[ImpairedDeploy]] = defaultdict(list)
    for deploy in deploys:
        by_kind[deploy.impairment].append(deploy)
    yield "impairment       deploys  good  rolled back  seconds  exit codes"
    for kind, each in sorted(by_kind.items()):
        codes = Counter(deploy.exit_code for deploy in each)
        listed = ", ".join(f"{code}: {number}" for code, number in sorted(codes.items(), key=str))
        yield (
            f"{kind:<16}{len(each):>8}{sum(deploy.release == 'good' for deploy in each):>6}"
            f"{sum(deploy.rolled_back for deploy in each):>13}"
            f"{median(deploy.seconds for deploy in each):>9.1f}  {listed}"
        )
    good = [deploy for deploy in deploys if deploy.good]
    yield (
        f"{len(deploys)} deploys, {len(good)} good releases deployed, "
        f"{sum(each.rolled_back for each in good)} of them rolled back; "
        f"{sum(each.exit_code == 0 and not each.good for each in deploys)} with exit code 0 and no "
        f"good release; {sum(each.exit_code is None for each in deploys)} hung; "
        f"{sum(bool(list(each.violations)) for each in deploys)} with a violation; "
        f"longest {max(each.seconds for each in deploys):.1f} s"
    )
