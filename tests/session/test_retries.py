"""Checks that do not pass are retried, and every attempt is reported."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest
import yaml

from stackproof.fixtures.session.retries import retries_of
from tests import shop
from tests.command_line import Ran, interrupted
from tests.in_process import run
from tests.probes.http.sites import Answer, Site, serving

FAILS = "status: expected 200, observed 502"


@contextmanager
def site(**statuses: Sequence[int]) -> Iterator[Site]:
    """Answer each path with these statuses, one after the other; the last one is for good."""
    asked: Counter[str] = Counter()

    def answer(path: str) -> Answer:
        answers = statuses[path.strip("/")]
        asked[path] += 1
        return answers[min(asked[path], len(answers)) - 1], {}, b""

    with serving(answer) as server:
        yield server


def _asked(server: Site) -> dict[str, int]:
    return dict(Counter(path.strip("/") for _, path in server.requests))


def _declare(folder: Path, server: Site, *paths: str, **more: Any) -> tuple[str, ...]:
    environment = {
        "services": {"api": {}},
        "routes": {
            path: {"url": f"http://{server.address}/{path}", "service": "api"} for path in paths
        },
        **more,
    }
    folder.mkdir(exist_ok=True)
    (folder / "shop.yaml").write_text(yaml.safe_dump(environment), encoding="utf-8")
    return ("-m", "shop and routes", f"--environments={folder}")


def _attempts(ran: Ran) -> dict[str, list[tuple[str, str]]]:
    return {
        check["subject"]: [(each["outcome"], each["observed"]) for each in check["attempts"]]
        for check in ran.verdict("shop")["checks"]
    }


@pytest.mark.parametrize("workers", [(), ("-n1",), ("-n2", "--dist=load")], ids=" ".join)
def test_pass_after_fail_is_flaky(tmp_path: Path, workers: tuple[str, ...]) -> None:
    with site(fine=[200], once=[502, 200], twice=[502, 502, 200], never=[502]) as server:
        options = _declare(tmp_path / "e", server, "once", "fine", "twice", "never")
        ran = run(tmp_path / "out", *options, "--confirm=2", *workers)
    assert ran.exit_code == 1, ran.output
    assert _attempts(ran) == {
        "fine": [("PASS", "")],
        "once": [("FAIL", "502"), ("PASS", "")],
        "twice": [("FAIL", "502"), ("FAIL", "502"), ("PASS", "")],
        "never": [("FAIL", "502")] * 3,
    }
    assert ran.results("shop") == {
        "routes.status[once]": ("FLAKY", f"once {FAILS}"),
        "routes.status[twice]": ("FLAKY", f"twice {FAILS}"),
        "routes.status[never]": ("FAIL", f"never {FAILS}"),
    }
    assert _asked(server) == {"fine": 1, "once": 2, "twice": 3, "never": 3}
    for line in (
        f"✗ never {FAILS}",
        f"~ once {FAILS} (passed on attempt 2)",
        f"~ twice {FAILS} (passed on attempt 3)",
        "shop: NO-GO — 4 checks: 1 passed, 1 failed, 2 flaky (",
    ):
        assert line in ran.output


def test_flaky_is_go_and_every_report_holds_every_attempt(tmp_path: Path) -> None:
    with site(fine=[200], home=[502, 200]) as server:
        options = _declare(tmp_path / "e", server, "home", "fine")
        reports = (f"--junitxml={tmp_path}/junit.xml", f"--alluredir={tmp_path}/allure")
        ran = run(tmp_path / "out", *options, *reports, "--confirm=1")
    assert (ran.exit_code, ran.verdict("shop")["verdict"]) == (0, "go"), ran.output
    assert ran.verdict("shop")["counts"]["FLAKY"] == 1
    assert "shop: GO — 2 checks: 1 passed, 1 flaky (" in ran.output
    (flaky,) = (each for each in ran.verdict("shop")["checks"] if each["outcome"] == "FLAKY")
    assert (flaky["expected"], flaky["observed"]) == ("200", "502")
    assert flaky["evidence"]["answers"].startswith("502 http://127.0.0.1:")

    root = ET.fromstring((tmp_path / "junit.xml").read_text(encoding="utf-8"))  # noqa: S314
    cases = {
        case.get("name"): {
            each.get("name"): each.get("value") for each in case.iter("property")
        }
        for case in root.iter("testcase")
    }  # fmt: skip
    home, fine = cases["test_status[shop-home]"], cases["test_status[shop-fine]"]
    assert (fine["outcome"], fine["attempts"], "attempt 1" in fine) == ("PASS", "1", False)
    assert {name: home[name] for name in ("outcome", "attempts", "attempt 1", "attempt 2")} == {
        "outcome": "FLAKY", "attempts": "2", "attempt 1": "FAIL: 502", "attempt 2": "PASS",
    }  # fmt: skip
    assert not list(root.iter("failure"))

    replay = f"--facts={tmp_path}/out/shop/facts.json"
    assert run(tmp_path / "out", *options, replay).verdict("shop")["counts"]["PASS"] == 2

    results = [json.loads(path.read_text()) for path in (tmp_path / "allure").glob("*-result.json")]
    of_home = sorted(
        (each for each in results if each["name"] == "routes.status[home]"),
        key=lambda each: each["start"],
    )
    assert [each["status"] for each in of_home] == ["failed", "passed"]
    assert of_home[0]["historyId"] == of_home[1]["historyId"]
    assert of_home[0]["statusDetails"]["message"] == f"home {FAILS}"
    assert of_home[1]["statusDetails"]["flaky"] is True


@pytest.mark.parametrize("arguments", [(), ("--confirm=0",)], ids=["unasked", "none"])
def test_no_retries_by_default(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with site(home=[502, 200]) as server:
        ran = run(tmp_path / "out", *_declare(tmp_path / "e", server, "home"), *arguments)
    assert (ran.exit_code, _attempts(ran)) == (1, {"home": [("FAIL", "502")]})
    assert _asked(server) == {"home": 1}


def test_waived_checks_are_not_retried(tmp_path: Path) -> None:
    waiver = {
        "check": "routes.status", "subject": "home", "reason": "known", "expires": "2999-12-31",
    }  # fmt: skip
    with site(home=[502, 200]) as server:
        options = _declare(tmp_path / "e", server, "home", waivers=[waiver])
        ran = run(tmp_path / "out", *options, "--confirm=2")
    assert (ran.exit_code, _attempts(ran)) == (0, {"home": [("WAIVED", "502")]})
    assert _asked(server) == {"home": 1}


def test_stop_at_the_first_failure_means_the_first_that_is_confirmed(tmp_path: Path) -> None:
    with site(once=[502, 200], never=[502], fine=[200]) as server:
        options = _declare(tmp_path / "e", server, "once", "never", "fine")
        ran = run(tmp_path / "out", *options, "-x", "--confirm=1")
    assert ran.exit_code == 1, ran.output
    outcomes = {each["subject"]: each["outcome"] for each in ran.verdict("shop")["checks"]}
    assert outcomes == {"once": "FLAKY", "never": "FAIL", "fine": "PASS"}


def test_no_connection_to_the_engine_is_retried_too(tmp_path: Path) -> None:
    """The first attempt may have failed only to connect to the engine."""
    engine = f"unix://{tmp_path}/none.sock"
    (tmp_path / "shop.yaml").write_text(
        yaml.safe_dump({"engine": {"address": engine}, "services": {"api": {}}}), encoding="utf-8"
    )
    options = ("-m", "shop and containers", f"--environments={tmp_path}", "-k", "exists")
    ran = run(tmp_path / "out", *options, "--confirm=1")
    assert ran.exit_code == 6, ran.output
    reason = f"engine {engine}: no such file or directory"
    assert _attempts(ran) == {"api": [("UNKNOWN", reason)] * 2}
    assert ran.results("shop") == {
        "containers.exists[api]": ("UNKNOWN", f"could not be evaluated: {reason}")
    }


def test_interrupted_during_a_retry(tmp_path: Path) -> None:
    """Ctrl-C leaves a verdict that says so, with the results so far."""
    again, done = Event(), Event()

    def answer(path: str) -> Answer:
        if path == "/fine":
            return 200, {}, b""
        if len([asked for _, asked in server.requests if asked == path]) > 1:
            again.set()
            done.wait(20)
        return 502, {}, b""

    with serving(answer) as server:
        options = _declare(tmp_path / "e", server, "home", "fine")
        ran = interrupted(tmp_path / "out", *options, "--confirm=2", once=again)
        done.set()
    assert ran.exit_code == 2, ran.output
    verdict = ran.verdict("shop")
    assert (verdict["verdict"], verdict["interrupted"]) == ("unknown", True)
    assert _attempts(ran) == {"fine": [("PASS", "")], "home": [("FAIL", "502")]}
    assert f"✗ home {FAILS}" in ran.output
    assert "shop: UNKNOWN — 2 checks: 1 passed, 1 failed, interrupted (" in ran.output


def test_a_replay_has_no_retries(tmp_path: Path) -> None:
    observed = shop.facts(containers={"api": shop.container(restart_count=9)})
    ran = shop.replay(
        tmp_path, {"services": {"api": {}}}, observed, "-k", "restarts", "--confirm=2"
    )
    assert (ran.exit_code, _attempts(ran)) == (1, {"api": [("FAIL", "9")]})


@pytest.mark.parametrize(
    ("options", "retries"),
    [
        ({}, 0),
        ({"gate": "post"}, 2),
        ({"gate": "post", "confirm": "0"}, 0),
        ({"confirm": "3"}, 3),
        ({"gate": "post", "confirm": "3", "facts": Path("facts.json")}, 0),
    ],
)
def test_a_gate_retries_by_default(options: dict[str, Any], retries: int) -> None:
    config = SimpleNamespace(getoption=lambda name, default=None: options.get(name, default))
    assert retries_of(cast("pytest.Config", config)) == retries


@pytest.mark.parametrize("number", ["two", "-1", "1.5", "²"])
def test_not_a_number_of_retries(tmp_path: Path, number: str) -> None:
    ran = run(tmp_path / "out", "-m", "lab", f"--confirm={number}")
    assert ran.exit_code == 4
    line = f"ERROR: --confirm={number}: expected a whole number of retries, at most 999"
    assert (ran.output.strip(), ran.errors.strip()) == ("", line)
