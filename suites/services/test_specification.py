"""The containers run the declared program, with the declared user, rights and devices.

A field that is not declared is not verified. A list that is declared is complete: what it does not
name must not be there.
"""

from collections.abc import Iterable

from stackproof.environment.container_settings import Gpu
from stackproof.environment.services import Service
from stackproof.facts.container import Container
from stackproof.facts.settings import (
    ALL,
    ALL_ACCESS,
    CAPABILITIES,
    CommandLine,
    DeviceRequest,
    ImageDefaults,
    Settings,
    extra_host,
)
from stackproof.finding import finding
from stackproof.fixtures.session.collection import as_deployed, declares
from stackproof.hint import recreate, up
from stackproof.unobserved import UnobservedError


@declares("command")
@as_deployed
def test_command(service: Service, settings: Settings) -> None:
    """A worker that runs the web command answers health checks, and leaves its queue to fill."""
    declared = CommandLine.of(service.command or ())
    assert settings.command.matches(declared), finding(
        service,
        "command",
        expected=declared.shown or "none",
        observed=_other(settings.command, declared),
        evidence={"entrypoint": settings.entrypoint.shown},
        hint=recreate("command", service.name),
    )


@declares("entrypoint")
@as_deployed
def test_entrypoint(service: Service, settings: Settings) -> None:
    """Without its entrypoint a service skips its set-up: migrations, permissions, settings."""
    declared = CommandLine.of(service.entrypoint or ())
    assert settings.entrypoint.matches(declared), finding(
        service,
        "entrypoint",
        expected=declared.shown or "none",
        observed=_other(settings.entrypoint, declared),
        evidence={"command": settings.command.shown},
        hint=recreate("entrypoint", service.name),
    )


@declares("healthcheck_test")
@as_deployed
def test_health_check(service: Service, settings: Settings) -> None:
    """Another health check can be healthy while the declared one would notice that it is not."""
    if settings.health_check is None:
        raise UnobservedError("the snapshot does not hold the commands of health checks")
    declared = CommandLine.of(service.healthcheck_test or ())
    assert settings.health_check.digest == declared.digest, finding(
        service,
        "health check",
        expected=declared.shown,
        observed=_other(settings.health_check, declared),
        hint=recreate("healthcheck", service.name),
    )


@declares("image_defaults")
@as_deployed
def test_image_defaults(
    service: Service, settings: Settings, image_defaults: ImageDefaults
) -> None:
    """A container that was started by hand with another command is not what a deploy starts."""
    expected = image_defaults
    if service.entrypoint and service.command is None:
        # With another entrypoint, the engine leaves the image's command out; not with an empty one.
        expected = expected.model_copy(update={"command": CommandLine.of(())})
    wrong = [
        name
        for name in service.image_defaults
        if getattr(settings, name) != getattr(expected, name)
    ]
    assert not wrong, finding(
        service,
        " and ".join(wrong),
        expected=f"as in its image: {_values(expected, wrong)}",
        observed=_values(settings, wrong),
        evidence={"entrypoint": settings.entrypoint.shown, "command": settings.command.shown},
        hint=up(service.name),
    )


@declares("user")
@as_deployed
def test_user(service: Service, settings: Settings) -> None:
    """A service that runs as root turns any break-in into one of root, and its files are root's."""
    assert settings.user == service.user, finding(
        service,
        "user",
        expected=service.user,
        observed=settings.user or None,
        hint=recreate("user", service.name),
    )


@declares("read_only")
@as_deployed
def test_read_only(service: Service, settings: Settings) -> None:
    """In a writable file system an attacker keeps tools, and data is lost with the container."""
    assert settings.read_only == service.read_only, finding(
        service,
        "file system",
        expected=_access(read_only=service.read_only),
        observed=_access(read_only=settings.read_only),
        hint=recreate("read_only", service.name),
    )


@declares("cap_add")
@as_deployed
def test_cap_add(service: Service, container: Container, settings: Settings) -> None:
    """Without a capability the service fails late. One too many is a way to the host.

    A privileged container holds all of them: that is a check of its own.
    """
    declared, held = _named(service.cap_add), set(settings.capabilities)
    missing = declared - held
    is_all = container.creation.privileged
    surplus = set() if is_all else held - declared - set(settings.default_capabilities)
    wrong = [f"no {_text(missing)}"] * bool(missing) + [f"also {_text(surplus)}"] * bool(surplus)
    assert not wrong, finding(
        service,
        "added capabilities",
        expected=_text(declared) or "none",
        observed=", ".join(wrong),
        evidence={"capabilities": _text(settings.capabilities)},
        hint=recreate("cap_add", service.name),
    )


@declares("cap_drop")
@as_deployed
def test_cap_drop(service: Service, container: Container, settings: Settings) -> None:
    """A capability that was meant to be dropped is there for whoever breaks into the service.

    A privileged container holds all of them: that is a check of its own.
    """
    dropped = _named(service.cap_drop) - _named(service.cap_add)
    held = set() if container.creation.privileged else dropped & set(settings.capabilities)
    assert not held, finding(
        service,
        "dropped capabilities",
        expected=", ".join(service.cap_drop or ()),
        observed=f"it holds {_text(held)}",
        evidence={"capabilities": _text(settings.capabilities)},
        hint=recreate("cap_drop", service.name),
    )


@declares("no_new_privileges")
@as_deployed
def test_no_new_privileges(service: Service, settings: Settings) -> None:
    """Without it, a setuid program in the image makes root of any user."""
    assert settings.no_new_privileges == service.no_new_privileges, finding(
        service,
        "new privileges",
        expected=_privileges(prevented=service.no_new_privileges),
        observed=_privileges(prevented=settings.no_new_privileges),
        hint=recreate("security_opt", service.name),
    )


@declares("devices")
@as_deployed
def test_devices(service: Service, settings: Settings) -> None:
    """Without its device a service cannot work. One too many is direct access to the host."""
    declared = set(map(_device, service.devices or ()))
    assert set(settings.devices) == declared, finding(
        service,
        "devices",
        expected=", ".join(sorted(declared)) or "none",
        observed=", ".join(settings.devices) or None,
        hint=recreate("devices", service.name),
    )


@declares("gpus")
@as_deployed
def test_gpus(service: Service, settings: Settings) -> None:
    """Without its GPU a model runs on the CPU: it works, a hundred times slower."""
    declared = service.gpus or ()
    fine = len(declared) == len(settings.gpus) and all(
        any(_matches(gpu, request) for request in settings.gpus) for gpu in declared
    )
    assert fine, finding(
        service,
        "GPUs",
        expected=", ".join(_gpus(g.driver, g.count, g.device_ids) for g in declared) or "none",
        observed=", ".join(_gpus(g.driver, g.count, g.device_ids) for g in settings.gpus) or None,
        hint=recreate("devices", service.name),
    )


@declares("extra_hosts")
@as_deployed
def test_extra_hosts(service: Service, settings: Settings) -> None:
    """Without its entry a name leads nowhere. Another entry leads to another machine."""
    declared = set(map(extra_host, service.extra_hosts or ()))
    assert set(settings.extra_hosts) == declared, finding(
        service,
        "extra hosts",
        expected=", ".join(sorted(declared)) or "none",
        observed=", ".join(sorted(settings.extra_hosts)) or None,
        hint=recreate("extra_hosts", service.name),
    )


def _values(settings: Settings | ImageDefaults, names: Iterable[str]) -> str:
    values = (getattr(settings, name) for name in names)
    shown = (each.shown if isinstance(each, CommandLine) else each for each in values)
    return ", ".join(each or "none" for each in shown)


def _other(observed: CommandLine, declared: CommandLine) -> str:
    same = observed.shown == declared.shown
    return "the same with another secret" if same else observed.shown or "none"


def _access(*, read_only: bool | None) -> str:
    return "read-only" if read_only else "writable"


def _privileges(*, prevented: bool | None) -> str:
    return "prevented" if prevented else "possible"


def _named(capabilities: Iterable[str] | None) -> set[str]:
    named = set(capabilities or ())
    return set(CAPABILITIES) if ALL in named else named


def _text(capabilities: Iterable[str]) -> str:
    named = set(capabilities)
    return ALL if named >= CAPABILITIES else ", ".join(sorted(named))


def _device(text: str) -> str:
    """Return a declared device as the engine reports it: `HOST:CONTAINER:PERMISSIONS`."""
    if not text.startswith("/"):
        return text
    source, *rest = text.split(":")
    if len(rest) == 1 and not rest[0].startswith("/"):
        rest = [source, rest[0]]
    target, permissions = (*rest, *(source, ALL_ACCESS)[len(rest) :])
    return f"{source}:{target}:{permissions}"


def _matches(gpu: Gpu, request: DeviceRequest) -> bool:
    count = gpu.count if gpu.count is not None else -1 if not gpu.device_ids else 0
    return (
        gpu.driver in ("", request.driver)
        and (set(gpu.device_ids) == set(request.device_ids))
        and (bool(gpu.device_ids) or count == request.count)
        and any(set(gpu.capabilities) <= set(each) for each in request.capabilities)
    )


def _gpus(driver: str, count: int | None, device_ids: Iterable[str]) -> str:
    named = f"device {', '.join(device_ids)}" if device_ids else count
    return f"{'all' if named in (None, -1) else named} of {driver or 'any driver'}"
