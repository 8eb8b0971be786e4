"""What a replayed snapshot does not hold is unknown, and what is no snapshot is refused."""

import gzip
import html
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stackproof.unobserved import Unobserved
from tests import shop
from tests.command_line import ROOT, Ran
from tests.in_process import run
from tests.shop import USAGE, answered, container, said

ENVIRONMENT = {
    "services": {"api": {"limits": shop.LIMITS, "healthcheck": "required"}, "db": {}, "cache": {}},
    "routes": {"home": {"url": "https://shop.example/", "service": "api"}},
    "datastores": {
        "postgresql": {"db": {"user": "app", "database": "shop"}},
        "redis": {"cache": {}},
    },
    "nginx": {"service": "api"},
}
FINE = shop.facts(
    containers=dict.fromkeys(("api", "db", "cache"), container()),
    usage={"api": USAGE},
    responses={"home": answered(("https://shop.example/", 200))},
    commands={
        "pg_isready db": said("pg_isready", 0, "accepting connections"),
        "redis_ping cache": said("redis-cli ping", 0, "PONG"),
        "psql db": shop.psql(),
        "postgres_df db": shop.postgres_df(),
        "redis_info cache": shop.redis_info(),
        "nginx_test api": said("nginx -t", 0, "syntax is ok"),
    },
    proxies={"api": shop.PROXY.model_copy(update={"destinations": {"home": shop.leads()}})},
    alarms={"api": ()},
)


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["plain", "worker"])
def test_a_snapshot_of_which_all_is_well(tmp_path: Path, workers: tuple[str, ...]) -> None:
    ran = shop.replay(tmp_path, ENVIRONMENT, FINE, *workers)
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output
    assert ran.verdict("shop")["verdict"] == "go"


def test_nothing_is_looked_at(tmp_path: Path) -> None:
    """The engine of the environment is one that needs a variable, which is unset."""
    environment = {**ENVIRONMENT, "engine": {"address": "ssh://${NO_SUCH_VARIABLE}"}}
    assert shop.replay(tmp_path, environment, FINE).exit_code == 0
    assert not (tmp_path / "out" / "shop" / "facts.json").exists()


def test_a_machine_that_was_not_observed(tmp_path: Path) -> None:
    observed = FINE.model_copy(update={"machine": Unobserved(reason="engine x: no answer")})
    ran = shop.replay(tmp_path, ENVIRONMENT, observed)
    assert ran.exit_code == 6
    # It reports whether limits are enforced at all, and which mount of cgroups is usual.
    limits = ("cpu_limit", "memory_limit", "effective_memory", "memory_free", "cpu_throttled")
    assert ran.results("shop") == dict.fromkeys(
        (
            *(f"configuration.root_access[{each}]" for each in ("api", "db", "cache")),
            *(f"resources.{each}[api]" for each in limits),
        ),
        ("UNKNOWN", "could not be evaluated: engine x: no answer"),
    )


def test_a_snapshot_that_was_taken_for_other_checks(tmp_path: Path) -> None:
    ran = shop.replay(tmp_path, ENVIRONMENT, shop.facts(containers={"api": container()}))
    assert ran.exit_code == 6
    results = ran.results("shop")
    assert {outcome for outcome, _ in results.values()} == {"UNKNOWN"}
    for check, key in {
        "containers.exists[db]": "db",
        "resources.effective_memory[api]": "api",
        "routes.status[home]": "home",
        "datastores.accepts_connections[db]": "pg_isready db",
        "datastores.ping[cache]": "redis_ping cache",
        "nginx.config_valid[api]": "nginx_test api",
    }.items():
        line = (
            f"could not be evaluated: the snapshot does not hold '{key}'; "
            "it was taken for other checks"
        )
        assert results[check] == ("UNKNOWN", line)


def test_every_output_says_that_it_is_a_replay(tmp_path: Path) -> None:
    observed = FINE.model_copy(update={"engine": "ssh://deploy@shop"})
    options = shop.save(tmp_path, ENVIRONMENT, observed)
    summary = tmp_path / "summary.md"
    outputs = (f"--junitxml={tmp_path}/junit.xml", f"--alluredir={tmp_path}/allure")
    ran = run(
        tmp_path / "out", "-m", "shop", *options, *outputs,
        variables={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)},
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    verdict = ran.verdict("shop")
    assert (verdict["engine"], verdict["replay_of"]) == (
        "ssh://deploy@shop",
        "2026-11-24T07:30:30Z",
    )
    assert "shop: REPLAY of 2026-11-24 07:30:30 UTC: GO — " in ran.output
    assert "engine: ssh://deploy@shop" in ran.output
    page = summary.read_text("utf-8")
    assert "REPLAY of 2026-11-24 07:30:30 UTC" in page
    assert "ssh://deploy@shop" in html.unescape(page).replace("<wbr>", "")
    junit = (tmp_path / "junit.xml").read_text("utf-8")
    tests = len(verdict["checks"])
    assert junit.count('name="replay_of" value="2026-11-24T07:30:30+00:00"') == tests
    assert junit.count('name="engine" value="ssh://deploy@shop"') == tests
    for result in (tmp_path / "allure").glob("*-result.json"):
        results = json.loads(result.read_text("utf-8"))
        labels = {label["name"]: label["value"] for label in results["labels"]}
        assert labels["replay_of"] == "2026-11-24T07:30:30+00:00"
        assert results["description"].startswith(
            "**REPLAY** of facts gathered at 2026-11-24T07:30:30"
        )


def test_a_replay_makes_no_annotations(tmp_path: Path) -> None:
    ill = {"api": container(status="paused"), "db": container(), "cache": container()}
    observed = FINE.model_copy(update={"containers": ill})
    options = shop.save(tmp_path, ENVIRONMENT, observed)
    ran = run(tmp_path / "out", "-m", "shop", *options, variables={"GITHUB_ACTIONS": "true"})
    assert ran.exit_code == 1
    assert "::error" not in ran.output + ran.errors
    assert "::warning" not in ran.output + ran.errors


def test_a_snapshot_of_the_future(tmp_path: Path) -> None:
    observed = FINE.model_copy(update={"gathered_at": datetime(2999, 1, 1, tzinfo=UTC)})
    ran = shop.replay(tmp_path, ENVIRONMENT, observed)
    line = "the snapshot is dated 2999-01-01 00:00:00+00:00, which is in the future"
    assert line in ran.verdict("shop")["warnings"]


def _refused(ran: Ran, message: str) -> None:
    assert ran.exit_code == 4, ran.output
    assert (ran.output.strip(), ran.errors.strip()) == ("", f"ERROR: {message}")
    assert not ran.written.exists()


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["plain", "worker"])
def test_no_file(tmp_path: Path, workers: tuple[str, ...]) -> None:
    path = tmp_path / "none.json"
    ran = run(tmp_path / "out", "-m", "lab", f"--facts={path}", *workers)
    _refused(ran, f"--facts: {path}: no such file or directory")


def test_no_snapshot(tmp_path: Path) -> None:
    ran = run(tmp_path / "out", "-m", "lab", "--facts=pyproject.toml")
    assert (ROOT / "pyproject.toml").exists()
    _refused(
        ran,
        "--facts: pyproject.toml: not a snapshot: the file: "
        "Invalid JSON: expected value at line 1 column 2",
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the file is empty"),
        (gzip.compress(b"{}"), "the file is compressed: gunzip it first"),
        (b"PK\x03\x04", "the file is compressed: unzip it first"),
        (b'{"version": 1, "verdict": "go", "checks": []}', "not a snapshot: it is a verdict"),
        (b'{"version": 2, "taken_at": "", "outcomes": {}}', "not a snapshot: it is a baseline"),
        (b'{"version": 9}', "not a snapshot: it has version 9, expected version 1"),
        (b"[]", "not a snapshot: the file: Input should be an object"),
    ],
    ids=["empty", "gzip", "zip", "verdict", "baseline", "version", "list"],
)
def test_other_files(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "facts.json"
    path.write_bytes(content)
    _refused(run(tmp_path / "out", "-m", "lab", f"--facts={path}"), f"--facts: {path}: {why}")


def test_a_folder(tmp_path: Path) -> None:
    ran = run(tmp_path / "out", "-m", "lab", f"--facts={tmp_path}")
    _refused(ran, f"--facts: {tmp_path}: is a directory")


def test_a_snapshot_of_another_environment(tmp_path: Path) -> None:
    _, facts = shop.save(tmp_path, ENVIRONMENT, FINE)
    path = facts.removeprefix("--facts=")
    ran = run(tmp_path / "out", "-m", "lab", facts)
    _refused(ran, f"--facts: {path} is a snapshot of shop, not of lab")
