"""Further settings of the containers, and their variables, are those of the Compose files.

What is not declared is not verified. What an engine does not have or does not report is a warning.
"""

from collections.abc import Callable, Mapping

from stackproof.environment.model import Environment
from stackproof.environment.services import Service
from stackproof.facts.container import Container, Mount
from stackproof.facts.machine import Machine
from stackproof.facts.options import OF_A_REMOVED_ONE, OptionValue, option
from stackproof.facts.settings import Settings
from stackproof.finding import (
    Difference,
    Finding,
    expected_of,
    finding,
    names_of,
    observed_of,
)
from stackproof.fixtures.session.collection import as_deployed, declares
from stackproof.hint import Hint, recreate, up
from stackproof.unobserved import UnobservedError

Warn = Callable[[Finding], None]

_KEYS_OF_MOUNTS = {
    "propagation": "volumes", "volume_driver": "volumes",
    "tmpfs_size": "tmpfs", "tmpfs_options": "tmpfs",
}  # fmt: skip


@declares("health_check_options")
@as_deployed
def test_health_check(service: Service, settings: Settings, machine: Machine, warn: Warn) -> None:
    """A health check with a longer interval or more retries notices an outage minutes later."""
    wrong = _compare(service, service.health_check_options, settings, machine, warn)
    assert not wrong, finding(
        service,
        names_of(wrong.values()),
        expected=expected_of(wrong.values()),
        observed=observed_of(wrong.values()),
        hint=_fix(wrong, service),
    )


@declares("process_options")
@as_deployed
def test_process(service: Service, settings: Settings, machine: Machine, warn: Warn) -> None:
    """With another signal or a shorter grace period, each deploy kills requests in progress."""
    wrong = _compare(service, service.process_options, settings, machine, warn)
    assert not wrong, finding(
        service,
        names_of(wrong.values()),
        expected=expected_of(wrong.values()),
        observed=observed_of(wrong.values()),
        hint=_fix(wrong, service),
    )


@declares("network_options")
@as_deployed
def test_network(service: Service, settings: Settings, machine: Machine, warn: Warn) -> None:
    """Another name, address or resolver works until someone relies on the declared one."""
    wrong = _compare(service, service.network_options, settings, machine, warn)
    assert not wrong, finding(
        service,
        names_of(wrong.values()),
        expected=expected_of(wrong.values()),
        observed=observed_of(wrong.values()),
        hint=_fix(wrong, service),
    )


@declares("isolation_options")
@as_deployed
def test_isolation(service: Service, settings: Settings, machine: Machine, warn: Warn) -> None:
    """A container in a namespace of the host, or without its profile, is less isolated."""
    wrong = _compare(service, service.isolation_options, settings, machine, warn)
    assert not wrong, finding(
        service,
        names_of(wrong.values()),
        expected=expected_of(wrong.values()),
        observed=observed_of(wrong.values()),
        hint=_fix(wrong, service),
    )


@declares("mount_options")
@as_deployed
def test_mounts(
    service: Service,
    settings: Settings,
    mounts: Mapping[str, Mount],
    machine: Machine,
    warn: Warn,
) -> None:
    """A volume of another driver is on another disk, and a tmpfs of another size fills up."""
    missing = tuple(
        f"{option}.{path}"
        for option in ("propagation", "volume_driver")
        for path, declared in (service.mounts or {}).items()
        if path not in mounts or mounts[path].kind != declared.kind
    )
    # That a mount is missing is another failure.
    options = {name: each for name, each in service.mount_options.items() if name not in missing}
    wrong = _compare(service, options, settings, machine, warn)
    assert not wrong, finding(
        service,
        names_of(wrong.values()),
        expected=expected_of(wrong.values()),
        observed=observed_of(wrong.values()),
        hint=_fix(wrong, service),
    )


@declares("limit_options")
@as_deployed
def test_limits(service: Service, settings: Settings, machine: Machine, warn: Warn) -> None:
    """Without its share or its reservation, a service suffers first when the machine is busy."""
    wrong = _compare(service, service.limit_options, settings, machine, warn)
    assert not wrong, finding(
        service,
        names_of(wrong.values()),
        expected=expected_of(wrong.values()),
        observed=observed_of(wrong.values()),
        hint=_fix(wrong, service),
    )


@declares("label_options")
@as_deployed
def test_labels(service: Service, settings: Settings, machine: Machine, warn: Warn) -> None:
    """Proxies, backups and monitoring find containers by their labels: without, they skip it."""
    wrong = _compare(service, service.label_options, settings, machine, warn)
    assert not wrong, finding(
        service,
        names_of(wrong.values()),
        expected=expected_of(wrong.values()),
        observed=observed_of(wrong.values()),
        hint=_fix(wrong, service),
    )


@declares("logging_options")
@as_deployed
def test_logging(
    service: Service, container: Container, settings: Settings, machine: Machine, warn: Warn
) -> None:
    """With other options its log fills the disk, or goes to another place."""
    if not container.creation.log_options_reported:
        raise UnobservedError("the engine does not report the options of the log driver")
    wrong = _compare(service, service.logging_options, settings, machine, warn)
    assert not wrong, finding(
        service,
        names_of(wrong.values()),
        expected=expected_of(wrong.values()),
        observed=observed_of(wrong.values()),
        hint=_fix(wrong, service),
    )


@declares("variables")
@as_deployed
def test_variables(
    service: Service,
    container: Container,
    settings: Settings,
    environment: Environment,
    warn: Warn,
) -> None:
    """A container keeps the variables with which it was created until it is created again.

    Values from files of variables are compared if it was created from the files that are read here.
    If values come from elsewhere, another one is a warning.
    """
    if settings.variables is None:
        raise UnobservedError("the snapshot does not hold the variables of containers")
    origins = (
        ("file", "env-file")
        if environment.origin.created(container.creation.compose_files)
        else ("file",)
    )
    other = {
        name: "another value" if name in settings.variables else "no value"
        for name, declared in service.variables.items()
        if settings.variables.get(name) != declared.digest
    }
    wrong = [name for name in other if service.variables[name].origin in origins]
    unsure = [name for name in other if len(origins) > 1 and name not in wrong]
    if unsure:
        warn(
            finding(
                service,
                "variables",
                expected=_as_in_the_file(unsure),
                observed=_of_each(unsure, other),
                hint=recreate("environment", service.name),
            )
        )
    assert not wrong, finding(
        service,
        "variables",
        expected=_as_in_the_file(wrong),
        observed=_of_each(wrong, other),
        hint=recreate("environment", service.name),
    )


def _as_in_the_file(names: list[str]) -> str:
    return f"{', '.join(names)} as in the compose file"


def _of_each(names: list[str], observed: Mapping[str, str]) -> str:
    return ", ".join(f"{observed[name]} of {name}" for name in names)


def _compare(
    service: Service,
    declared: Mapping[str, str],
    settings: Settings,
    machine: Machine,
    warn: Warn,
) -> dict[str, Difference]:
    """Return the options that are not as declared. Warn of those that the engine does not have."""
    if settings.options is None:
        raise UnobservedError("the snapshot does not hold these settings of containers")
    wrong: dict[str, Difference] = {}
    missing: dict[str, Difference] = {}
    for name, text in declared.items():
        found, known = settings.options.get(name), option(name)
        default = known.default if known else ""
        expected = OptionValue.of(name, text)
        if (found or OptionValue.of(name, default)).digest == expected.digest:
            continue
        shown = found.shown if found else default
        is_dropped = known is not None and shown == known.dropped
        is_missing = is_dropped or (found is None and machine.product == "Podman")
        observed = "none, the engine reports no such setting" if is_missing else shown or "none"
        (missing if is_missing else wrong)[name] = Difference(
            name.replace(".", " ", 1), expected.shown or "an empty text", observed
        )
    if missing:
        warn(
            finding(
                service,
                names_of(missing.values()),
                expected=expected_of(missing.values()),
                observed=observed_of(missing.values()),
                hint=recreate(_key(missing), service.name),
            )
        )
    return wrong


def _fix(differences: Mapping[str, Difference], service: Service) -> tuple[Hint, ...]:
    """Return how to fix options. Compose keeps a container that uses one that was replaced."""
    if any(each.observed == OF_A_REMOVED_ONE for each in differences.values()):
        return (up(service.name, "--force-recreate"),)
    return recreate(_key(differences), service.name)


def _key(differences: Mapping[str, Difference]) -> str:
    """Return the key of Compose that the first one of the options belongs to."""
    name = next(iter(differences), "").partition(".")[0]
    return _KEYS_OF_MOUNTS.get(name, name)
