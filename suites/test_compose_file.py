"""Before a deploy: the compose file makes what the environment file specifies.

It is read as Compose reads it, here, with variables filled in and the files laid over it. What it
leaves to the engine's own settings is not as specified: another engine has others.
"""

from collections.abc import Mapping
from ipaddress import ip_network

from environments.model import Environment
from environments.services import Service
from environments.sizes import cpus_in_words
from fixtures.collection import critical, declares
from fixtures.compose_file import ComposeFile, ComposeService
from fixtures.gate import Gate, gate
from fixtures.images import in_full
from reports.finding import finding
from reports.hint import command


@gate("pre")
@critical
def test_valid(stack: Environment, composed: ComposeFile) -> None:
    """Compose refuses a file that is not valid, and the deploy ends before it began."""
    assert not composed.problem, finding(
        stack,
        "compose file",
        expected="valid",
        observed=composed.problem,
        evidence={"file": composed.path},
        hint=command("docker compose -f {} config --quiet", composed.path),
    )


@gate("pre")
def test_variables(stack: Environment, compose_file: ComposeFile) -> None:
    """Compose puts an empty text where a variable is unset, and only warns."""
    assert not compose_file.unset, finding(
        stack,
        "variables of the compose file",
        expected="set",
        observed=f"{', '.join(compose_file.unset)} unset",
        evidence={"file": compose_file.path},
        hint="set them where the deploy runs, or give them defaults in the file: ${NAME:-default}",
    )


@gate("pre")
def test_services(stack: Environment, compose_file: ComposeFile, chosen: Gate) -> None:
    """Compose refuses the whole deploy for one service that it does not know."""
    wanted = dict.fromkeys((*stack.services, *chosen.services))
    missing = [name for name in wanted if name not in compose_file.services]
    assert not missing, finding(
        stack,
        "services of the compose file",
        expected="all that are declared or deployed",
        observed=f"no {', no '.join(missing)}",
        evidence={"file": compose_file.path, "its services": ", ".join(compose_file.services)},
        hint=command("docker compose -f {} config --services", compose_file.path),
    )


@gate("pre")
@declares("image")
def test_image(service: Service, planned: ComposeService) -> None:
    """A deploy of another image is a deploy of another program."""
    assert in_full(planned.image) == in_full(service.image), finding(
        service,
        "image in the compose file",
        expected=service.image,
        observed=planned.image or None,
        hint=_mend("image", service),
    )


@gate("pre")
@declares("limits.cpus")
def test_cpu_limit(service: Service, planned: ComposeService) -> None:
    """A limit that is lost in the file is lost in every container that is made from it."""
    assert planned.cpus == service.limits.cpus, finding(
        service,
        "CPU limit in the compose file",
        expected=cpus_in_words(service.limits.cpus),
        observed=cpus_in_words(planned.cpus),
        hint=_mend("cpus", service),
    )


@gate("pre")
@declares("limits.memory")
def test_memory_limit(service: Service, planned: ComposeService) -> None:
    """A service that comes back without its memory limit can take the whole machine down."""
    assert planned.memory == service.limits.memory, finding(
        service,
        "memory limit in the compose file",
        expected=service.limits.memory,
        observed=planned.memory,
        hint=_mend("mem_limit", service),
    )


@gate("pre")
@declares("environment.publishes")
def test_published(service: Service, planned: ComposeService) -> None:
    """A port that the file publishes is open to the internet as soon as the container is made."""
    assert set(planned.published) == set(service.publish), finding(
        service,
        "published ports in the compose file",
        expected=", ".join(service.publish) or "none",
        observed=", ".join(planned.published) or None,
        hint=_mend("ports", service),
    )


@gate("pre")
@declares("environment.network")
def test_subnet(
    service: Service,
    planned: ComposeService,
    compose_file: ComposeFile,
    networks: Mapping[str, tuple[str, ...]],
    environment: Environment,
) -> None:
    """A service that is made in another network is out of reach of those that need it."""
    subnet = environment.network.subnet if environment.network else ""
    # A network that the file does not make is one of the engine's.
    subnets = {name: compose_file.subnets.get(name, networks.get(name, ())) for name in
               planned.networks}  # fmt: skip
    version = ip_network(subnet).version
    joined = {each for name in subnets for each in subnets[name]
              if ip_network(each).version == version}  # fmt: skip
    assert joined == {subnet}, finding(
        service,
        "subnet in the compose file",
        expected=subnet,
        observed=", ".join(sorted(joined)) or planned.network_mode or None,
        evidence={"networks": ", ".join(planned.networks)},
        hint=_mend("networks", service),
    )


@gate("pre")
@declares("environment.logging")
def test_log_driver(service: Service, planned: ComposeService, environment: Environment) -> None:
    """With another driver, docker logs and whatever collects the log files see nothing."""
    driver = environment.logging.driver if environment.logging else None
    assert planned.log_driver == driver, finding(
        service,
        "log driver in the compose file",
        expected=driver,
        observed=planned.log_driver or None,
        hint=_mend("logging", service),
    )


@gate("pre")
@declares("environment.logging")
def test_log_rotation(service: Service, planned: ComposeService, environment: Environment) -> None:
    """A log without a limit fills the disk, and then everything stops at once."""
    size = environment.logging.max_size if environment.logging else None
    assert planned.log_max_size == size, finding(
        service,
        "log max-size in the compose file",
        expected=size,
        observed=planned.log_max_size,
        hint=_mend("logging", service),
    )


@gate("pre")
@declares("health_check_required")
def test_health_check(service: Service, planned: ComposeService, health_checked: bool) -> None:
    """Without a health check a deploy takes a hung service for a well one."""
    assert health_checked, finding(
        service,
        "health check in the compose file",
        expected="one",
        observed="switched off" if planned.health_check is False else None,
        hint=_mend("healthcheck", service),
    )


@gate("pre")
@declares("restart")
def test_restart_policy(service: Service, planned: ComposeService) -> None:
    """With another policy it stays down after a crash or a reboot, or comes back unasked."""
    assert planned.restart == service.restart, finding(
        service,
        "restart policy in the compose file",
        expected=service.restart,
        observed=planned.restart,
        hint=_mend("restart", service),
    )


@gate("pre")
@declares("secrets")
def test_secrets(service: Service, planned: ComposeService, environment: Environment) -> None:
    """Without its secret a service fails late: at its first login, or its first restart."""
    folder = environment.secrets.mount if environment.secrets else "/run/secrets"
    missing = sorted({f"{folder}/{name}" for name in service.secrets} - set(planned.secrets))
    assert not missing, finding(
        service,
        "secrets in the compose file",
        expected=", ".join(service.secrets),
        observed=f"no {', no '.join(missing)}",
        hint=_mend("secrets", service),
    )


def _mend(key: str, service: Service) -> str:
    return command("mend {} of {} in the compose file, or declare what it says", key, service.name)
