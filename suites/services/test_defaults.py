"""What a Compose file leaves out, its container does not have.

Only what no engine adds by itself is compared. Podman can be configured to add anything except
limits of memory and CPUs.
"""

import posixpath
from collections.abc import Iterable, Mapping

from stackproof.environment.services import Service
from stackproof.facts.container import Container, Mount
from stackproof.facts.machine import Machine
from stackproof.facts.options import OF_ANOTHER, OptionValue, option
from stackproof.facts.settings import ALL, ImageDefaults, Settings
from stackproof.finding import Difference, expected_of, finding, names_of, observed_of
from stackproof.fixtures.session.collection import as_deployed, declares
from stackproof.hint import up
from stackproof.sizes import Bytes, format_cpus
from stackproof.unobserved import UnobservedError

_ON_PODMAN = ("mem_limit", "mem_reservation", "cpus")
_ROOT_ACCESS = {
    ("privileged", "true"): "privileged",
    **{(key, "host"): "host-namespaces" for key in ("pid", "ipc", "uts", "userns_mode")},
    ("security_opt.seccomp", "unconfined"): "unconfined",
    ("security_opt.apparmor", "unconfined"): "unconfined",
    ("volumes_from", OF_ANOTHER): "volumes-from",
}
"""By option and value: the permission that it needs."""
_OF_PROCESS = ("stop_signal", "working_dir")
_OF_HEALTH_CHECKS = ("interval", "timeout", "retries", "start_period")


@declares("left_out")
@as_deployed
def test_engine(
    service: Service, container: Container, settings: Settings, machine: Machine
) -> None:
    """A limit or a right that someone added by hand is gone after the next deploy."""
    if settings.options is None:
        raise UnobservedError("the snapshot does not hold these settings of containers")
    surplus = _surplus(service, container, settings)
    wrong = [
        surplus[name]
        for name in service.left_out
        if name in surplus and (machine.product == "Docker" or name in _ON_PODMAN)
    ]
    assert not wrong, finding(
        service,
        names_of(wrong),
        expected=expected_of(wrong),
        observed=observed_of(wrong),
        hint=up(service.name, "--force-recreate"),
    )


@declares("left_to_image")
@as_deployed
def test_image(
    service: Service,
    settings: Settings,
    mounts: Mapping[str, Mount],
    image_defaults: ImageDefaults,
    machine: Machine,
) -> None:
    """With another health check than its image's, an outage is noticed later, or not at all.

    A volume that neither the Compose file nor the image names is lost with the container.
    """
    if image_defaults.health_check is None or image_defaults.volumes is None:
        raise UnobservedError("the snapshot does not hold these settings of images")
    found = {
        "healthcheck": _health_check(service, settings, image_defaults),
        "volumes": _volumes(service, mounts, image_defaults.volumes),
        **{key: _process_option(key, service, settings, image_defaults) for key in _OF_PROCESS},
    }
    named = service.left_to_image if machine.product == "Docker" else ()
    wrong = [each for name in named for each in found[name]]
    assert not wrong, finding(
        service,
        names_of(wrong),
        expected=expected_of(wrong),
        observed=observed_of(wrong),
        evidence={"mounts": "\n".join(map(str, mounts.values()))},
        hint=up(service.name, "--force-recreate"),
    )


def _surplus(service: Service, container: Container, settings: Settings) -> dict[str, Difference]:
    """Return what a container has and its service does not declare, by Compose's key."""
    is_privileged = container.creation.privileged
    held, defaults = set(settings.capabilities), set(settings.default_capabilities)
    dropped = defaults - held - set(service.cap_drop or ())
    is_dropped = not is_privileged and ALL not in (service.cap_drop or ()) and dropped
    added = set() if is_privileged or service.cap_add is not None else held - defaults
    declared_mounts = set(map(posixpath.normpath, service.mounts or ()))
    tmpfs = [
        mount.target
        for mount in container.creation.mounts
        if mount.kind == "tmpfs" and posixpath.normpath(mount.target) not in declared_mounts
    ]
    observed = {
        "mem_limit": ("memory limit", container.memory_limit, service.limits.memory),
        "cpus": ("CPU limit", format_cpus(container.cpu_limit), service.limits.cpus),
        "pids_limit": ("process limit", settings.pids, service.limits.pids),
        "cap_add": ("added capabilities", _listed(added), None),
        "devices": ("devices", _listed(settings.devices), service.devices),
        "extra_hosts": ("extra hosts", _listed(settings.extra_hosts), service.extra_hosts),
        "tmpfs": ("tmpfs", _listed(tmpfs), () if service.mounts is None else None),
    }
    found = {
        key: Difference(name, "none", str(value))
        for key, (name, value, declared) in observed.items()
        if value and declared is None
    }
    if is_dropped:
        lost = ALL if not held & defaults else _listed(dropped)
        found["cap_drop"] = Difference(
            "dropped capabilities", _listed(service.cap_drop or ()) or "none", lost
        )
    if settings.read_only and service.read_only is None:
        found["read_only"] = Difference("file system", "writable", "read-only")
    if settings.no_new_privileges and service.no_new_privileges is None:
        found["no_new_privileges"] = Difference("new privileges", "possible", "prevented")
    if surplus := _swap(service, container, settings):
        found["memswap_limit"] = surplus
    options = {
        name: value
        for name, value in (settings.options or {}).items()
        if name != "memswap_limit" and name not in service.options
    }
    for name, value in options.items():
        known, key = option(name), name.partition(".")[0]
        is_default = not known or value.digest == OptionValue.of(name, known.default).digest
        if is_default or key not in service.left_out or _is_reported(service, name, value.shown):
            continue
        if not (is_privileged and key == "security_opt"):
            found[key] = Difference(name.replace(".", " "), "none", value.shown)
    return found


def _is_reported(service: Service, name: str, shown: str) -> bool:
    """Return whether it is a default, or gives root access, which is a failure unless allowed."""
    if name == "ipc" and shown not in ("host", OF_ANOTHER):
        return True  # engines differ
    permission = _ROOT_ACCESS.get((name, shown))
    key, _, profile = name.partition(".")
    settings = {f"{key}: {shown}", f"{key}: {profile}={shown}", key}
    return permission is not None and not {permission, *settings} & {*service.may}


def _swap(service: Service, container: Container, settings: Settings) -> Difference | None:
    """Return a limit of memory and swap that is not twice that of memory, as engines set it.

    Without swap accounting, and for no limit, engines report others.
    """
    value = (settings.options or {}).get("memswap_limit")
    if value is None or "memswap_limit" in service.options or not value.shown[:1].isdigit():
        return None
    limits = {each for each in (container.memory_limit, service.limits.memory) if each}
    defaults = [str(Bytes(2 * each)) for each in sorted(limits)]
    if not limits or not int(Bytes.parse(value.shown)):
        return None
    if value.digest in {OptionValue.of("memswap_limit", each).digest for each in defaults}:
        return None
    return Difference("memswap_limit", f"{defaults[-1]}, twice the memory", value.shown)


def _process_option(
    key: str, service: Service, settings: Settings, image: ImageDefaults
) -> list[Difference]:
    if key in service.options or image.process is None:
        return []
    known, inherited = option(key), image.process.get(key)
    default = OptionValue.of(key, known.default if known else "")
    expected, observed = inherited or default, (settings.options or {}).get(key, default)
    if observed.digest == expected.digest:
        return []
    return [Difference(key, f"as in its image: {expected.shown}", observed.shown)]


def _health_check(service: Service, settings: Settings, image: ImageDefaults) -> list[Difference]:
    """Return what is neither declared nor as in the image."""
    own, inherited = settings.health_check, image.health_check
    if service.healthcheck_test is None and own != inherited:
        expected = f"as in its image: {(inherited and inherited.shown) or 'none'}"
        return [Difference("health check", expected, (own and own.shown) or "none")]
    return [
        difference
        for key in _OF_HEALTH_CHECKS
        if f"healthcheck.{key}" not in service.options
        and (difference := _health_check_option(key, settings, image))
    ]


def _health_check_option(key: str, settings: Settings, image: ImageDefaults) -> Difference | None:
    name = f"healthcheck.{key}"
    known, inherited = option(name), image.options.get(name)
    default = OptionValue.of(name, known.default if known else "")
    expected, observed = inherited or default, (settings.options or {}).get(name, default)
    if observed == expected:
        return None
    origin = "as in its image" if inherited else "the default"
    return Difference(f"health check {key}", f"{origin}: {expected.shown}", observed.shown)


def _volumes(
    service: Service, mounts: Mapping[str, Mount], of_image: tuple[str, ...]
) -> list[Difference]:
    """Return the anonymous volumes that are neither declared nor the image's."""
    if service.mounts is None:
        return []
    declared = {posixpath.normpath(path) for path in (*service.mounts, *of_image)}
    found = [
        path
        for path, mount in mounts.items()
        if mount.is_anonymous and posixpath.normpath(path) not in declared
    ]
    return [Difference("anonymous volumes", "none", _listed(found))] if found else []


def _listed(items: Iterable[str]) -> str:
    return ", ".join(sorted(items))
