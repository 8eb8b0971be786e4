"""What a replayed snapshot does not hold is unknown, and what is no snapshot is refused."""

from pathlib import Path

import pytest

from fixtures.observation import Unobserved
from tests.suites import shop
from tests.suites.command_line import ROOT, Ran, run
from tests.suites.shop import USAGE, answered, container, said

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
        "redis_info cache": shop.redis_info(),
        "nginx_test api": said("nginx -t", 0, "syntax is ok"),
    },
    proxies={"api": shop.PROXY},
    alarms={"api": ()},
)


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])
def test_a_snapshot_of_which_all_is_well(tmp_path: Path, workers: tuple[str, ...]) -> None:
    ran = shop.replay(tmp_path, ENVIRONMENT, FINE, *workers)
    assert (ran.exit_code, ran.told("shop")) == (0, {}), ran.output
    assert ran.verdict("shop")["verdict"] == "go"


def test_nothing_is_looked_at(tmp_path: Path) -> None:
    """The engine of the environment is one that needs a variable, which is unset."""
    environment = {**ENVIRONMENT, "engine": {"address": "ssh://${NO_SUCH_VARIABLE}"}}
    assert shop.replay(tmp_path, environment, FINE).exit_code == 0
    assert not (tmp_path / "out" / "shop" / "facts.json").exists()


def test_a_machine_that_was_not_seen(tmp_path: Path) -> None:
    observed = FINE.model_copy(update={"machine": Unobserved(reason="engine x: no answer")})
    ran = shop.replay(tmp_path, ENVIRONMENT, observed)
    assert ran.exit_code == 6
    assert ran.told("shop") == {
        "resources.effective_memory[api]": ("UNKNOWN", "could not look: engine x: no answer")
    }


def test_a_snapshot_that_was_taken_for_other_checks(tmp_path: Path) -> None:
    ran = shop.replay(tmp_path, ENVIRONMENT, shop.facts(containers={"api": container()}))
    assert ran.exit_code == 6
    told = ran.told("shop")
    assert {outcome for outcome, _ in told.values()} == {"UNKNOWN"}
    for check, key in {
        "containers.exists[db]": "db",
        "resources.effective_memory[api]": "api",
        "routes.status[home]": "home",
        "datastores.accepts_connections[db]": "pg_isready db",
        "datastores.ping[cache]": "redis_ping cache",
        "nginx.config_valid[api]": "nginx_test api",
    }.items():
        line = f"could not look: the snapshot does not hold '{key}'; it was taken for other checks"
        assert told[check] == ("UNKNOWN", line)


def _refused(ran: Ran, message: str) -> None:
    assert ran.exit_code == 4, ran.output
    assert (ran.output.strip(), ran.errors.strip()) == ("", f"ERROR: {message}")
    assert not ran.written.exists()


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])
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


def test_a_snapshot_of_another_environment(tmp_path: Path) -> None:
    _, facts = shop.save(tmp_path, ENVIRONMENT, FINE)
    path = facts.removeprefix("--facts=")
    ran = run(tmp_path / "out", "-m", "lab", facts)
    _refused(ran, f"--facts: {path} is a snapshot of shop, not of lab")
