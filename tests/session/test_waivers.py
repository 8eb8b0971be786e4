"""A waiver holds for one check of one subject, until its day has passed, and hides no surprise."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stackproof.facts.container import Container
from stackproof.unobserved import Unobserved
from tests import shop
from tests.command_line import Ran
from tests.shop import container

# A waiver is judged on the day of the snapshot, whenever that is replayed.
SEEN = datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)
LIVE, EXPIRED = str(SEEN.date()), str(SEEN.date() - timedelta(days=1))
CHECK = "containers.restarts[api]"
RESTARTED = container(restart_count=9)
FOUND = "api restarts: expected at most 0, observed 9"


def _verify(
    folder: Path, waiver: dict[str, str], api: Container | Unobserved, *arguments: str
) -> Ran:
    environment = {
        "services": {"api": {}, "web": {}},
        "waivers": [
            {"check": "containers.restarts", "subject": "api", "reason": "known until Friday"}
            | waiver
        ],
    }
    observed = shop.facts(containers={"api": api, "web": container()}, gathered_at=SEEN)
    return shop.replay(folder, environment, observed, *arguments)


def test_a_live_waiver(tmp_path: Path) -> None:
    ran = _verify(tmp_path, {"expires": LIVE}, RESTARTED)
    assert ran.exit_code == 0, ran.output
    assert ran.results("shop") == {CHECK: ("WAIVED", FOUND)}
    (waived,) = (each for each in ran.verdict("shop")["checks"] if each["id"] == CHECK)
    assert waived["waiver"] == f"until {LIVE}: known until Friday"
    assert f"w {FOUND}" in ran.output


def test_an_expired_waiver(tmp_path: Path) -> None:
    ran = _verify(tmp_path, {"expires": EXPIRED}, RESTARTED)
    assert ran.exit_code == 1, ran.output
    assert ran.results("shop") == {CHECK: ("FAIL", FOUND)}
    (failed,) = (each for each in ran.verdict("shop")["checks"] if each["id"] == CHECK)
    expired = f"expired on {EXPIRED}: known until Friday"
    assert (failed["waiver"], failed["evidence"]["waiver"]) == (expired, expired)
    assert f"\n  waiver: {expired}\nhint: " in ran.output
    assert f"✗ {FOUND} (waiver {expired})" in ran.output


@pytest.mark.parametrize(
    ("waiver", "name", "why"),
    [
        ({"subject": "n8n"}, "containers.restarts[n8n]", "shop has no such subject of it"),
        ({"subject": "ap"}, "containers.restarts[ap]",
         "shop has no such subject of it; did you mean api?"),
        ({"check": "containers.restart"}, "containers.restart[api]",
         "there is no such check; did you mean containers.restarts?"),
        ({"check": "restarts"}, "restarts[api]",
         "there is no such check; did you mean containers.restarts?"),
        ({"check": "datastores.ping"}, "datastores.ping[api]", "shop has no such subject of it"),
        ({"check": "x"}, "x[api]", "there is no such check"),
        ({"check": "x", "expires": EXPIRED}, "x[api]", "there is no such check"),
    ],
    ids=["no-subject", "misspelt-subject", "misspelt-check", "no-suite", "undeclared",
         "no-check", "expired"],
)  # fmt: skip
def test_a_waiver_that_matches_nothing(
    tmp_path: Path, waiver: dict[str, str], name: str, why: str
) -> None:
    ran = _verify(tmp_path, {"expires": LIVE, **waiver}, RESTARTED)
    assert ran.exit_code == 1, ran.output
    assert ran.results("shop") == {CHECK: ("FAIL", FOUND)}
    line = f"the waiver of {name} matches nothing: {why}"
    assert ran.verdict("shop")["warnings"] == [line]
    assert f"! {line}" in " ".join(ran.output.split())
    assert "1 failed, 1 warning (" in ran.output


def test_a_worker_sends_the_waivers_that_match_nothing(tmp_path: Path) -> None:
    ran = _verify(tmp_path, {"expires": LIVE, "check": "x"}, RESTARTED, "-n1")
    assert ran.verdict("shop")["warnings"] == [
        "the waiver of x[api] matches nothing: there is no such check"
    ]


def test_a_waiver_of_another_subject_that_is_fine_and_of_another_check(tmp_path: Path) -> None:
    for waiver in ({"subject": "web"}, {"check": "containers.running"}):
        ran = _verify(tmp_path, {"expires": LIVE, **waiver}, RESTARTED)
        assert ran.results("shop") == {CHECK: ("FAIL", FOUND)}
        assert ran.verdict("shop")["warnings"] == []


@pytest.mark.parametrize(
    "arguments", [("-k", "running"), ("suites/services/test_identity.py",)], ids=" ".join
)
def test_a_waiver_of_what_was_not_selected_is_not_wrong(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ran = _verify(tmp_path, {"expires": LIVE}, container(), *arguments)
    assert ran.exit_code == 0, ran.output
    assert (ran.results("shop"), ran.verdict("shop")["warnings"]) == ({}, [])
    assert "the waiver" not in ran.output


def test_a_waiver_of_what_a_plugin_deselects_is_not_wrong(tmp_path: Path) -> None:
    suites = tmp_path / "suites"
    suites.mkdir()
    (suites / "conftest.py").write_text(
        "def pytest_collection_modifyitems(items):\n"
        "    items[:] = [item for item in items if '[shop-api]' not in item.nodeid]\n",
        encoding="utf-8",
    )
    (suites / "test_own.py").write_text("def test_it(service): pass\n", encoding="utf-8")
    ran = _verify(tmp_path, {"expires": LIVE}, container(), f"--suites={suites}")
    assert "containers.restarts[web]" in {check["id"] for check in ran.verdict("shop")["checks"]}
    assert ran.verdict("shop")["warnings"] == []


@pytest.mark.parametrize(
    ("expires", "waiver"), [(LIVE, f"until {LIVE}"), (EXPIRED, f"expired on {EXPIRED}")]
)
def test_what_is_waived_and_fine_passes_and_its_waiver_can_go(
    tmp_path: Path, expires: str, waiver: str
) -> None:
    ran = _verify(tmp_path, {"expires": expires}, container())
    assert ran.exit_code == 0, ran.output
    assert ran.results("shop") == {}
    checks = {check["id"]: check for check in ran.verdict("shop")["checks"]}
    line = f"{CHECK} passed: its waiver, {waiver}: known until Friday, is no longer needed"
    assert (checks[CHECK]["outcome"], checks[CHECK]["warnings"]) == ("PASS", [line])
    assert f"! {line}" in " ".join(ran.output.split())
    assert {check["outcome"] for check in checks.values()} == {"PASS"}


def test_what_cannot_be_seen_is_not_waived(tmp_path: Path) -> None:
    ran = _verify(tmp_path, {"expires": LIVE}, shop.STUCK)
    assert ran.exit_code == 6, ran.output
    assert ran.results("shop")[CHECK] == ("UNKNOWN", "could not be evaluated: no answer within 8 s")
