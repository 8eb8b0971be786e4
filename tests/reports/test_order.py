"""Failures are listed in an order in which a cause is above its consequences."""

import pytest

from stackproof.outcome import Outcome
from stackproof.reports.summary import problems
from stackproof.reports.verdict import Attempt, CheckResult


@pytest.mark.parametrize(
    ("checks", "first"),
    [
        (("containers.healthy", "identity.image"), "identity.image"),
        (("network.published", "networks.networks", "routes.status"), "networks.networks"),
        (
            ("health.answers", "containers.running", "containers.healthy"),
            "containers.running",
        ),
        (("options.variables", "identity.instances"), "identity.instances"),
        (("datastores.ping", "host.disk"), "host.disk"),
        (("routes.status", "routes.identity"), "routes.status"),
    ],
)
def test_cause(checks: tuple[str, ...], first: str) -> None:
    failed = [
        CheckResult(
            id=f"{name}[web]",
            suite=name.partition(".")[0],
            check=name.partition(".")[2],
            subject="web",
            service="web",
            outcome=Outcome.FAIL,
            headline=name,
            attempts=[Attempt(outcome=Outcome.FAIL, observed="b")],
        )
        for name in checks
    ]
    assert next(iter(problems(failed)))[1].startswith(first)
