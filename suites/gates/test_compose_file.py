"""Before a deploy: the compose file matches the environment file.

Compose itself reads it on this machine, with variables and override files applied. A setting that
the file leaves to the engine's defaults does not match: another engine has other defaults.
"""

from collections.abc import Callable, Mapping
from ipaddress import ip_network

from stackproof.environment.model import Environment
from stackproof.environment.services import Service
from stackproof.facts.compose_file import ComposeFile, ComposeService
from stackproof.facts.image import full_name
from stackproof.finding import Finding, finding
from stackproof.fixtures.session.collection import critical, declares
from stackproof.fixtures.session.gates.gate_options import gate
from stackproof.gate import Gate
from stackproof.hint import Hint, advice, compose_here
from stackproof.schema.published_port import PublishedPort, format_like, is_same
from stackproof.sizes import format_cpus
from stackproof.unobserved import UnobservedError


@gate("pre")
@critical
def test_valid(stack: Environment, any_compose_file: ComposeFile) -> None:
    """Compose refuses an invalid file, and the deploy ends before it begins."""
    assert not any_compose_file.problem, finding(
        stack,
        "compose file",
        expected="valid",
        observed=any_compose_file.problem,
        evidence={"file": any_compose_file.path},
        hint=compose_here("config --quiet"),
    )


@gate("pre")
def test_variables(stack: Environment, compose_file: ComposeFile) -> None:
    """Compose replaces an unset variable with an empty text, and only warns.

    Without a file of variables here, they may be set where the deploy runs.
    """
    if compose_file.unset and not compose_file.has_variables:
        raise UnobservedError(
            f"{', '.join(compose_file.unset)} unset here, where there is no .env: run the gate "
            "with the variables of the deploy, or name their file with --compose-env-file"
        )
    assert not compose_file.unset, finding(
        stack,
        "variables of the compose file",
        expected="set",
        observed=f"{', '.join(compose_file.unset)} unset",
        evidence={"file": compose_file.path},
        hint=advice(
            "set them where the deploy runs, or give them defaults in the file: ${NAME:-default}"
        ),
    )


@gate("pre")
def test_services(
    stack: Environment,
    compose_file: ComposeFile,
    deploy_gate: Gate,
    warn: Callable[[Finding], None],
) -> None:
    """Compose refuses the whole deploy if it does not know one of the services.

    Services of the file that the environment does not declare only warn: nothing verifies them.
    """
    if undeclared := [name for name in compose_file.services if name not in stack.services]:
        warn(
            finding(
                stack,
                "services of the compose file",
                expected="all declared",
                observed=f"not verified: {', '.join(undeclared)}",
            )
        )
    wanted = dict.fromkeys((*stack.services, *deploy_gate.services))
    missing = [name for name in wanted if name not in compose_file.services]
    inactive = {name: each for name, each in compose_file.inactive.items() if name in missing}
    assert not missing, finding(
        stack,
        "services of the compose file",
        expected="all that are declared or deployed",
        observed=", ".join(
            f"{name} only with profile {' or '.join(inactive[name])}"
            if name in inactive
            else f"no {name}"
            for name in missing
        ),
        evidence={"file": compose_file.path, "its services": ", ".join(compose_file.services)},
        hint=compose_here("--profile '*' config --services"),
    )


@gate("pre")
@declares("image")
def test_image(service: Service, compose_service: ComposeService) -> None:
    """A deploy of another image is a deploy of another program."""
    compose_service.require("image")
    assert full_name(compose_service.image) == full_name(service.image), finding(
        service,
        "image in the compose file",
        expected=service.image,
        observed=compose_service.image or None,
        hint=_fix("image", service),
    )


@gate("pre")
@declares("limits.cpus")
def test_cpu_limit(service: Service, compose_service: ComposeService) -> None:
    """A limit that is missing in the file is missing in every container created from it."""
    compose_service.require("cpus")
    assert compose_service.cpus == service.limits.cpus, finding(
        service,
        "CPU limit in the compose file",
        expected=format_cpus(service.limits.cpus),
        observed=format_cpus(compose_service.cpus),
        hint=_fix("cpus", service),
    )


@gate("pre")
@declares("limits.memory")
def test_memory_limit(service: Service, compose_service: ComposeService) -> None:
    """A service that is recreated without its memory limit can take the whole machine down."""
    compose_service.require("memory")
    assert compose_service.memory == service.limits.memory, finding(
        service,
        "memory limit in the compose file",
        expected=service.limits.memory,
        observed=compose_service.memory,
        hint=_fix("mem_limit", service),
    )


@gate("pre")
@declares("publishes")
def test_published(service: Service, compose_service: ComposeService) -> None:
    """A port that the file publishes is open to the internet as soon as the container starts."""
    compose_service.require("published")
    assert is_same(service.publish, compose_service.published), finding(
        service,
        "published ports in the compose file",
        expected=", ".join(service.publish) or "none",
        observed=format_like(service.publish, map(PublishedPort.parse, compose_service.published))
        or None,
        hint=_fix("ports", service),
    )


@gate("pre")
@declares("environment.network")
def test_subnet(
    service: Service,
    compose_service: ComposeService,
    compose_file: ComposeFile,
    networks: Mapping[str, tuple[str, ...]],
    environment: Environment,
) -> None:
    """A service in another network cannot be reached by the services that need it."""
    compose_service.require("networks")
    subnet = environment.network.subnet if environment.network else ""
    # A network that the file does not create exists at the engine.
    subnets = {name: compose_file.subnets.get(name, networks.get(name, ())) for name in
               compose_service.networks}  # fmt: skip
    version = ip_network(subnet).version
    joined = {each for name in subnets for each in subnets[name]
              if ip_network(each).version == version}  # fmt: skip
    assert joined == {subnet}, finding(
        service,
        "subnet in the compose file",
        expected=subnet,
        observed=", ".join(sorted(joined)) or compose_service.network_mode or None,
        evidence={"networks": ", ".join(compose_service.networks)},
        hint=_fix("networks", service),
    )


@gate("pre")
@declares("logging.driver")
def test_log_driver(
    service: Service, compose_service: ComposeService, default_log_driver: str
) -> None:
    """With another driver, docker logs and the log collector see nothing."""
    compose_service.require("log_driver")
    driver = service.logging.driver if service.logging else None
    observed = compose_service.log_driver or default_log_driver
    if not observed:
        raise UnobservedError("it names none, and the default of the engine was not observed")
    assert observed == driver, finding(
        service,
        "log driver in the compose file",
        expected=driver,
        observed=compose_service.log_driver or f"none; the engine's default is {observed}",
        hint=_fix("logging", service),
    )


@gate("pre")
@declares("logging.max_size")
def test_log_rotation(service: Service, compose_service: ComposeService) -> None:
    """A log without a limit fills the disk, and then everything stops at once."""
    compose_service.require("log_max_size")
    size = service.logging.max_size if service.logging else None
    assert compose_service.log_max_size == size, finding(
        service,
        "log max-size in the compose file",
        expected=size,
        observed=compose_service.log_max_size,
        hint=_fix("logging", service),
    )


@gate("pre")
@declares("health_check_required")
def test_health_check(
    service: Service, compose_service: ComposeService, has_health_check: bool
) -> None:
    """Without a health check, a deploy cannot tell a hung service from a working one."""
    compose_service.require("health_check")
    assert has_health_check, finding(
        service,
        "health check in the compose file",
        expected="one",
        observed="switched off" if compose_service.health_check is False else None,
        hint=_fix("healthcheck", service),
    )


@gate("pre")
@declares("restart")
def test_restart_policy(service: Service, compose_service: ComposeService) -> None:
    """With another policy it stays down after a crash or a reboot, or starts when it should not."""
    compose_service.require("restart")
    assert compose_service.restart == service.restart, finding(
        service,
        "restart policy in the compose file",
        expected=service.restart,
        observed=compose_service.restart,
        hint=_fix("restart", service),
    )


@gate("pre")
@declares("files")
def test_secrets(
    service: Service, compose_service: ComposeService, environment: Environment
) -> None:
    """Without its secret a service fails late: at its first login, or at its next restart."""
    compose_service.require("secrets")
    missing = sorted(environment.secret_paths(service) - set(compose_service.secrets))
    assert not missing, finding(
        service,
        "secrets in the compose file",
        expected=", ".join(service.files),
        observed=f"no {', no '.join(missing)}",
        hint=_fix("secrets", service),
    )


def _fix(key: str, service: Service) -> Hint:
    return advice(
        "fix {} of {} in the compose file, or change the environment file", key, service.name
    )
