"""The engine's JSON becomes facts: of both cgroup versions, and of both forms of a CPU limit."""

import json
from pathlib import Path
from typing import Any

import pytest

from stackproof.engine.answer import Answer
from stackproof.probes.containers.inspect import parse_inspect
from stackproof.probes.containers.usage import parse_stats
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError

SAMPLES = Path(__file__).parents[2] / "samples"
MIB = 1024**2
GIB = 1024**3


def _sample(name: str) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return raw


def _limited(**limits: int) -> dict[str, Any]:
    raw = _sample("inspect-unlimited")
    raw["HostConfig"].update(limits)
    return raw


@pytest.mark.parametrize(
    ("sample", "cpus", "memory"),
    [
        ("inspect-nano-cpus", 2.0, 2 * GIB),
        ("inspect-quota-and-period", 4.0, 8 * GIB),
        ("inspect-unhealthy", 1.5, 512 * MIB),  # a quota alone: its period is recorded as 0
        ("inspect-unlimited", None, None),
    ],
)
def test_limits(sample: str, cpus: float | None, memory: int | None) -> None:
    container = parse_inspect(Answer(_sample(sample)))
    assert (container.cpu_limit, container.memory_limit) == (cpus, memory)


@pytest.mark.parametrize(
    ("limits", "cpus", "memory"),
    [
        ({"NanoCpus": 1_500_000_000}, 1.5, None),
        ({"NanoCpus": 1_500_000_001}, 1.500000001, None),
        ({"CpuQuota": 75_000, "CpuPeriod": 50_000}, 1.5, None),
        ({"CpuQuota": 1_000, "CpuPeriod": 1_000_000}, 0.001, None),
        ({"CpuQuota": -1, "CpuPeriod": 100_000, "Memory": -1}, None, None),
        ({"Memory": 512 * MIB - 1}, None, 512 * MIB - 1),
    ],
)
def test_limits_of_other_forms(
    limits: dict[str, int], cpus: float | None, memory: int | None
) -> None:
    container = parse_inspect(Answer(_limited(**limits)))
    assert (container.cpu_limit, container.memory_limit) == (cpus, memory)


def test_limits_that_an_engine_leaves_out() -> None:
    raw = _sample("inspect-unlimited")
    raw["HostConfig"] = {}
    container = parse_inspect(Answer(raw))
    assert (container.cpu_limit, container.memory_limit) == (None, None)


def test_what_else_inspect_says() -> None:
    container = parse_inspect(Answer(_sample("inspect-killed")))
    assert (container.name, container.status, container.exit_code) == ("vpn-redis", "exited", 137)
    assert (container.restart_count, container.oom_killed) == (0, False)
    assert container.started_at.isoformat() == "2026-11-24T07:30:30.677935+00:00"
    assert container.log_tail == ()


def test_health() -> None:
    health = parse_inspect(Answer(_sample("inspect-unhealthy"))).health
    assert health
    assert (health.status, health.failing_streak) == ("unhealthy", 2)
    assert [(run.exit_code, run.output) for run in health.log] == [(1, "not yet"), (1, "not yet")]


def test_long_output_of_a_health_check_is_cut() -> None:
    raw = _sample("inspect-unhealthy")
    raw["State"]["Health"]["Log"][0]["Output"] = "x" * 4096
    health = parse_inspect(Answer(raw)).health
    assert health
    assert [len(run.output) for run in health.log] == [2000, 7]


def test_health_check_that_did_not_run_yet() -> None:
    raw = _sample("inspect-unlimited")
    raw["State"]["Health"] = {"Status": "starting", "FailingStreak": 0, "Log": None}
    health = parse_inspect(Answer(raw)).health
    assert health
    assert (health.status, health.log) == ("starting", ())


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"Health": None},
        {"Health": {"Status": "none", "FailingStreak": 0, "Log": None}},
        {"Health": {"Status": "", "FailingStreak": 0, "Log": None}},
        {"Health": {"Status": None}},
        {"Health": {}},
    ],
    ids=["absent", "null", "none", "empty-status", "null-status", "empty"],
)
def test_no_health_check(state: dict[str, Any]) -> None:
    raw = _sample("inspect-unlimited")
    raw["State"].update(state)
    assert parse_inspect(Answer(raw)).health is None


@pytest.mark.parametrize(
    ("sample", "limit", "used"),
    [
        ("stats-v1", 2 * GIB, 34_369_536 - 311_296),
        ("stats-v2", 512 * MIB, 40 * MIB - 8 * MIB),
        # No limit: the engine reports the machine's memory.
        ("stats-v1-unlimited", 25_276_063_744, 11_517_952 - 16_384),
    ],
)
def test_usage(sample: str, limit: int, used: int) -> None:
    usage = parse_stats(Answer(_sample(sample)))
    assert (usage.memory_limit, usage.memory_used) == (limit, used)
    assert not usage.includes_cache
    assert isinstance(usage.memory_limit, Bytes)


@pytest.mark.parametrize(
    ("pids", "found"),
    [
        ({"current": 7, "limit": 100}, (7, 100)),
        ({"current": 7}, (7, None)),
        ({"current": 7, "limit": 0}, (7, None)),
        ({"current": 7, "limit": (1 << 64) - 1}, (7, None)),
        ({}, (None, None)),
        (None, (None, None)),
    ],
)
def test_processes(pids: object, found: tuple[int | None, int | None]) -> None:
    raw = {"memory_stats": {"limit": GIB, "usage": MIB}, "pids_stats": pids}
    usage = parse_stats(Answer(raw))
    assert (usage.pids, usage.pids_limit) == found


def test_usage_is_never_below_nothing() -> None:
    raw = {"memory_stats": {"limit": GIB, "usage": MIB, "stats": {"inactive_file": 2 * MIB}}}
    assert parse_stats(Answer(raw)).memory_used == 0


def test_usage_without_details() -> None:
    usage = parse_stats(Answer({"memory_stats": {"limit": GIB, "usage": MIB}}))
    assert (usage.memory_used, usage.includes_cache) == (MIB, True)


@pytest.mark.parametrize(
    "memory",
    [
        None, {}, {"stats": {}}, {"limit": GIB}, {"usage": MIB}, {"limit": 0, "usage": MIB},
        {"limit": GIB, "usage": 0}, {"limit": 0, "usage": 0, "stats": {}},
    ],
    ids=repr,
)  # fmt: skip
def test_no_usage_of_a_container_that_stopped(memory: dict[str, Any] | None) -> None:
    with pytest.raises(UnobservedError) as reason:
        parse_stats(Answer({**_sample("stats-v1"), "memory_stats": memory}))
    assert str(reason.value) == (
        "the engine has no memory figures of the container (has it stopped?)"
    )


def test_podman() -> None:
    """Podman 4.3: no health check has an empty status, and no options of the log are reported."""
    container = parse_inspect(Answer(_sample("inspect-podman")))
    assert (container.health, container.status) == (None, "running")
    assert (container.cpu_limit, container.memory_limit) == (0.5, 256 * MIB)
    assert (container.published, container.addresses) == (
        {"8480": 80},
        {"engines_default": ("172.31.250.6",)},
    )
    assert not container.creation.log_options_reported
    usage = parse_stats(Answer(_sample("stats-podman")))
    assert (usage.cpu_periods, usage.includes_cache) == (0, True)


def test_podman_stopped() -> None:
    raw = _sample("inspect-podman")
    raw["State"] |= {"Status": "stopped", "Running": False}
    assert parse_inspect(Answer(raw)).status == "exited"
