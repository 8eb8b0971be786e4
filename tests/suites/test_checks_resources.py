"""The checks of limits and of what is in use fail where they should, and say what is wrong."""

from pathlib import Path

import pytest

from stackproof.environment.services import Service
from stackproof.sizes import Bytes
from stackproof.suites.services import test_resources as suite
from tests.command_line import Ran
from tests.shop import (
    GIB,
    LIMITS,
    MACHINE,
    MIB,
    STUCK,
    USAGE,
    container,
    facts,
    replay,
    usage,
)
from tests.suites import service_cases
from tests.suites.containers.test_checks_instances import finding_of
from tests.suites.expectations import fail, failures_of, unknown
from tests.suites.service_cases import ALWAYS, CHECKS, USED, Case, only

SERVICES: dict[str, Case] = {
    # cpu_limit
    "cpu-less": Case(
        fail(resources__cpu_limit="cpu-less CPU limit: expected 1.5, observed 1.499999999"),
        container=container(cpu_limit=1.499999999),
    ),
    "cpu-more": Case(
        fail(resources__cpu_limit="cpu-more CPU limit: expected 1.5, observed 2"),
        container=container(cpu_limit=2.0),
    ),
    "cpu-none": Case(
        fail(resources__cpu_limit="cpu-none CPU limit: expected 1.5, observed none"),
        container=container(cpu_limit=None),
    ),
    "cpu-alone": Case({}, declared=only(limits={"cpus": 1.5}), usage=usage(8 * GIB)),
    # memory_limit and effective_memory
    "memory-less": Case(
        fail(
            resources__memory_limit="memory-less memory limit: expected 512 MiB, observed 256 MiB",
            resources__effective_memory="memory-less effective memory limit: "
            "expected 512 MiB, observed 256 MiB",
        ),
        container=container(memory_limit=Bytes(256 * MIB)),
        usage=usage(256 * MIB),
    ),
    "memory-a-byte-less": Case(
        fail(
            resources__memory_limit="memory-a-byte-less memory limit: "
            "expected 512 MiB, observed 512.0 MiB",
            resources__effective_memory="memory-a-byte-less effective memory limit: "
            "expected 512 MiB, observed 512.0 MiB",
        ),
        container=container(memory_limit=Bytes(512 * MIB - 1)),
        usage=usage(512 * MIB - 1),
    ),
    "memory-none": Case(
        fail(
            resources__memory_limit="memory-none memory limit: expected 512 MiB, observed none",
            resources__effective_memory="memory-none effective memory limit: "
            "expected 512 MiB, observed 8 GiB (all of the machine)",
        ),
        container=container(memory_limit=None),
        usage=usage(8 * GIB),
    ),
    "memory-on-record-alone": Case(
        fail(
            resources__effective_memory="memory-on-record-alone effective memory limit: "
            "expected 512 MiB, observed 1 GiB"
        ),
        usage=usage(GIB),
    ),
    "memory-above-the-machine": Case(
        {},
        container=container(memory_limit=Bytes(16 * GIB)),
        usage=usage(8 * GIB),
        declared=only(limits={"memory": "16G"}),
    ),
    "memory-above-the-machine-too": Case(  # as cgroup v2 reports it
        {},
        container=container(memory_limit=Bytes(16 * GIB)),
        usage=usage(16 * GIB),
        declared=only(limits={"memory": "16G"}),
    ),
    "memory-not-whole-pages": Case(  # as the kernel rounds it
        {},
        container=container(memory_limit=Bytes(512 * MIB + 2048)),
        usage=usage(512 * MIB),
        declared=only(limits={"memory": 512 * MIB + 2048}),
    ),
    "memory-unseen": Case(unknown("no answer within 8 s", *USED), usage=STUCK),
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return service_cases.replay(tmp_path_factory.mktemp("services"), SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_service(ran: Ran, name: str) -> None:
    assert failures_of(ran, name) == SERVICES[name].results


def test_only_what_is_declared_is_checked(ran: Ran) -> None:
    ids = [check["id"] for check in ran.verdict("shop")["checks"]]
    assert len(ids) == len(set(ids))
    ends = "[cpu-alone]"
    assert {name.removesuffix(ends) for name in ids if name.endswith(ends)} == {
        *CHECKS[:2], *CHECKS[3:6], "resources.cpu_throttled", *ALWAYS,
    }  # fmt: skip


ENFORCED = "the engine reports that it cannot enforce {} limits (docker info)"


@pytest.mark.parametrize("limit", ["memory", "CPU", "process"])
def test_an_engine_that_cannot_enforce_a_limit(tmp_path: Path, limit: str) -> None:
    """A setting that nothing enforces is not verified by reading it back."""
    checks = {
        "memory": ("memory_limit", "effective_memory", "memory_free"),
        "CPU": ("cpu_limit", "cpu_throttled"),
        "process": (),
    }[limit]
    observed = facts(
        containers={"api": container()},
        usage={"api": USAGE},
        machine=MACHINE.model_copy(update={"not_enforced": (limit,)}),
    )
    environment = {"services": {"api": {"limits": LIMITS}}}
    ran = replay(tmp_path, environment, observed, "-m", "shop and resources")
    assert failures_of(ran, "api") == unknown(
        ENFORCED.format(limit), *(f"resources.{check}" for check in checks)
    )


def test_a_wrong_limit_fails_even_if_nothing_enforces_it(tmp_path: Path) -> None:
    observed = facts(
        containers={"api": container(cpu_limit=None, memory_limit=None)},
        usage={"api": USAGE},
        machine=MACHINE.model_copy(update={"not_enforced": ("memory", "CPU")}),
    )
    environment = {"services": {"api": {"limits": LIMITS}}}
    ran = replay(tmp_path, environment, observed, "-m", "shop and resources")
    assert {
        check for check, (outcome, _) in failures_of(ran, "api").items() if outcome == "FAIL"
    } == {
        "resources.cpu_limit",
        "resources.memory_limit",
    }


@pytest.mark.parametrize(
    ("swap", "command"),
    [
        # What the engine gives to a container that Compose creates with the memory limit alone.
        ({}, "docker update --memory 536870912 --memory-swap 1073741824 shop"),
        (
            {"memswap_limit": "512m"},
            "docker update --memory 536870912 --memory-swap 536870912 shop",
        ),
        ({"memswap_limit": "-1"}, "docker update --memory 536870912 --memory-swap -1 shop"),
        ({"memswap_limit": "0"}, "docker update --memory 536870912 --memory-swap 1073741824 shop"),
    ],
)
def test_the_hint_for_a_memory_limit_keeps_the_swap_of_compose(
    swap: dict[str, str], command: str
) -> None:
    service = Service.model_validate({"name": "api", "limits": LIMITS, "options": swap})
    less = container(memory_limit=Bytes(256 * MIB))
    found = finding_of(suite.test_memory_limit, service, less, MACHINE)
    assert found.hints[0].text == command
