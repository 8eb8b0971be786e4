"""A waiver holds for one check of one subject, until its day has passed, and hides no surprise."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fixtures.facts import Container
from fixtures.observation import Unobserved
from tests.suites import shop
from tests.suites.command_line import Ran
from tests.suites.shop import container

# A waiver is judged on the day of the snapshot, whenever that is replayed.
SEEN = datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)
LIVE, EXPIRED = str(SEEN.date()), str(SEEN.date() - timedelta(days=1))
CHECK = "containers.restarts[api]"
RESTARTED = container(restart_count=9)
FOUND = "api restarts: expected at most 0, observed 9"


def _verify(folder: Path, waiver: dict[str, str], seen: Container | Unobserved) -> Ran:
    environment = {
        "services": {"api": {}, "web": {}},
        "waivers": [
            {"check": "containers.restarts", "subject": "api", "reason": "known until Friday"}
            | waiver
        ],
    }
    observed = shop.facts(containers={"api": seen, "web": container()}, gathered_at=SEEN)
    return shop.replay(folder, environment, observed)


def test_a_live_waiver(tmp_path: Path) -> None:
    ran = _verify(tmp_path, {"expires": LIVE}, RESTARTED)
    assert ran.exit_code == 0, ran.output
    assert ran.told("shop") == {CHECK: ("WAIVED", FOUND)}
    (waived,) = (each for each in ran.verdict("shop")["checks"] if each["id"] == CHECK)
    assert waived["waiver"] == f"until {LIVE}: known until Friday"
    assert f"w {FOUND}" in ran.output


@pytest.mark.parametrize(
    "waiver",
    [
        {"expires": EXPIRED},
        {"expires": LIVE, "subject": "web"},
        {"expires": LIVE, "check": "containers.running"},
        {"expires": LIVE, "check": "restarts"},
    ],
    ids=["expired", "of-another-subject", "of-another-check", "without-its-suite"],
)
def test_a_waiver_that_does_not_hold(tmp_path: Path, waiver: dict[str, str]) -> None:
    ran = _verify(tmp_path, waiver, RESTARTED)
    assert ran.exit_code == 1, ran.output
    assert ran.told("shop") == {CHECK: ("FAIL", FOUND)}


def test_what_is_waived_and_fine_passes(tmp_path: Path) -> None:
    ran = _verify(tmp_path, {"expires": LIVE}, container())
    assert ran.exit_code == 0, ran.output
    assert ran.told("shop") == {}
    outcomes = {check["id"]: check["outcome"] for check in ran.verdict("shop")["checks"]}
    assert outcomes[CHECK] == "PASS"
    assert set(outcomes.values()) == {"PASS"}


def test_what_cannot_be_seen_is_not_waived(tmp_path: Path) -> None:
    ran = _verify(tmp_path, {"expires": LIVE}, shop.STUCK)
    assert ran.exit_code == 6, ran.output
    assert ran.told("shop")[CHECK] == ("UNKNOWN", "could not look: no answer within 8 s")
