"""What the checks of further settings say of several options and variables."""

from collections.abc import Mapping
from typing import Any

import pytest

from stackproof.environment.origin import Origin
from stackproof.facts.options import OptionValue
from tests.shop import MACHINE, container, created
from tests.suites.direct.check import (
    Call,
    Said,
    Warnings,
    cases,
    environment,
    says,
    service,
    suite,
    unknown,
)
from tests.suites.specified import changed

defaults = suite("services/test_defaults.py")
options = suite("services/test_options.py")
GROUPS: Mapping[str, Mapping[str, str]] = {
    "health_check": {"healthcheck.interval": "5s", "healthcheck.retries": "9"},
    "process": {"stop_signal": "SIGINT", "stop_grace_period": "20s"},
    "network": {"hostname": "api", "dns": "10.0.0.1"},
    "isolation": {"pid": "host", "ipc": "host"},
    "mounts": {"propagation./a": "shared", "tmpfs_size./b": "1 MiB"},
    "limits": {"cpuset": "0", "cpu_shares": "5"},
    "labels": {"labels.a": "1", "labels.b.c": "2"},
}
PODMAN = MACHINE.model_copy(update={"product": "Podman"})
OTHER = container(creation=created(compose_files=("/opt/shop/compose.yaml",)))


def observed(**values: str) -> Any:
    """Return the settings of a container with some options, and no others."""
    found = changed().creation.settings
    assert found
    held = {name: OptionValue.of(name, text) for name, text in values.items()}
    return found.model_copy(update={"options": held})


def declared(group: str) -> Any:
    return service(options=GROUPS[group])


def variables(**digests: str) -> Any:
    found = changed().creation.settings
    assert found
    return found.model_copy(update={"variables": digests})


WITH_VARIABLES = service(
    variables={
        "A": {"digest": "1"}, "B": {"digest": "2"}, "C": {"digest": "3", "origin": "env-file"},
        "D": {"digest": "4", "origin": "deploy"}, "E": {"digest": "5", "origin": "deploy"},
    }
)  # fmt: skip
HERE = environment().from_origin(Origin(project_directory="/opt/shop"))
NOTHING: Any = Warnings()

CALLS: list[Any] = [
    (options.test_health_check, (declared("health_check"), observed(), MACHINE, NOTHING)),
    (options.test_health_check, (declared("health_check"), observed(**GROUPS["health_check"]),
     MACHINE, NOTHING)),
    (options.test_process, (declared("process"), observed(stop_signal="SIGHUP"), MACHINE,
     NOTHING)),
    (options.test_network, (declared("network"), observed(hostname="web"), MACHINE, NOTHING)),
    (options.test_isolation, (declared("isolation"), observed(pid="container:a"), MACHINE,
     NOTHING)),
    (options.test_mounts, (declared("mounts"), observed(), {}, MACHINE, NOTHING)),
    (options.test_limits, (declared("limits"), observed(cpuset="1", cpu_shares="6"), MACHINE,
     NOTHING)),
    (options.test_labels, (declared("labels"), observed(**{"labels.a": ""}), MACHINE, NOTHING)),
    (options.test_logging, (service(options={"logging.options.tag": "a",
     "logging.options.x": ""}), container(), observed(**{"logging.options.x": "y"}), MACHINE,
     NOTHING)),
    (options.test_limits, (declared("limits"), observed(), PODMAN, NOTHING)),
    (options.test_variables, (WITH_VARIABLES, container(), variables(A="9"), HERE, NOTHING)),
    (options.test_variables, (WITH_VARIABLES, OTHER, variables(A="9"), environment(), NOTHING)),
    (options.test_variables, (WITH_VARIABLES, OTHER, variables(A="1", B="2"), environment(),
     NOTHING)),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), cases(CALLS, "settings.yaml"))
def test_what_it_says(call: Call, expected: Said) -> None:
    assert says(call) == expected


def test_options_that_an_engine_does_not_have_only_warn() -> None:
    warn = Warnings()
    options.test_limits(declared("limits"), observed(), PODMAN, warn)
    assert warn == [
        "api cpuset and cpu_shares: expected 0, 5, observed none, the engine reports no such "
        "setting, none, the engine reports no such setting"
    ]


def test_values_that_may_come_from_elsewhere_only_warn() -> None:
    warn = Warnings()
    same = variables(A="1", B="2", C="3", D="9")
    options.test_variables(WITH_VARIABLES, container(), same, HERE, warn)
    assert warn == [
        "api variables: expected D, E as in the compose file, "
        "observed another value of D, no value of E"
    ]
    warn = Warnings()
    options.test_variables(WITH_VARIABLES, container(), same, environment(), warn)
    assert warn == []


OLD = "the snapshot does not hold these settings of containers"


@pytest.mark.parametrize(
    ("check", "arguments", "reason"),
    [


        (options.test_limits,
         (declared("limits"), observed().model_copy(update={"options": None}), MACHINE, NOTHING),
         OLD),
        (options.test_logging,
         (service(options={"logging.options.tag": "a"}),
          container(creation=created(log_options_reported=False)), observed(), MACHINE, NOTHING),
         "the engine does not report the options of the log driver"),
        (options.test_variables,
         (WITH_VARIABLES, container(), observed().model_copy(update={"variables": None}), HERE,
          NOTHING), "the snapshot does not hold the variables of containers"),
        (defaults.test_engine,
         (service(left_out=["cpus"]), container(),
          observed().model_copy(update={"options": None}), MACHINE), OLD),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated(check: Any, arguments: Any, reason: str) -> None:

    assert unknown(check, *arguments) == reason
