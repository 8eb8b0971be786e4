"""Services, each a case of the checks of services. One run verifies several of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stackproof.facts.container import Container, Usage
from stackproof.unobserved import Unobserved
from tests import shop
from tests.command_line import Ran
from tests.shop import LIMITS, USAGE
from tests.suites.expectations import Failures


@dataclass(frozen=True)
class Case:
    """A service: what is declared, what is observed, and which checks then do not pass."""

    results: Failures
    container: Container | Unobserved | None = shop.CONTAINER
    usage: Usage | Unobserved = USAGE
    declared: dict[str, Any] = field(
        default_factory=lambda: {"limits": LIMITS, "healthcheck": "required"}
    )


def only(**declared: Any) -> dict[str, Any]:
    return declared


NOT_RUNNING = Unobserved(reason="it is exited")
ALWAYS = (
    "identity.instances",
    "identity.image",
    "identity.stale",
    "containers.health_check",
    "containers.processes",
    "containers.restart_policy",
    "network.published",
    "configuration.secret_variables",
    "configuration.privileged",
    "configuration.engine_socket",
    "configuration.host_network",
    "configuration.root_access",
)
USED = ("resources.effective_memory", "resources.memory_free", "resources.cpu_throttled")
CHECKS = (
    "containers.exists",
    "containers.running",
    "containers.healthy",
    "containers.restarts",
    "containers.oom_killed",
    "resources.cpu_limit",
    "resources.memory_limit",
    *USED,
    "containers.flapping",
    *ALWAYS,
)

PUBLIC = Case({}, container=shop.container(published={"443": 443}), declared=only(publish=["443"]))
"""With one, the published ports of every service are verified."""


def replay(folder: Path, cases: Mapping[str, Case]) -> Ran:
    """Verify all cases in one run, next to a service that publishes a port."""
    cases = {"public": PUBLIC, **cases}
    environment = {"services": {name: case.declared for name, case in cases.items()}}
    observed = shop.facts(
        containers={name: case.container for name, case in cases.items()},
        usage={name: case.usage for name, case in cases.items()},
    )
    return shop.replay(folder, environment, observed)
