"""Settings of a container, from the engine's inspect.

Engines write the same setting in several ways: `null`, `0` or an empty text for none, capabilities
with and without `CAP_`. Facts have one form of each.
"""

import posixpath
from collections.abc import Iterator

from stackproof.engine.answer import UNLIMITED, Answer
from stackproof.facts.container import Mount
from stackproof.facts.root_access import RootAccess, root_access
from stackproof.facts.settings import (
    ALL,
    ALL_ACCESS,
    CAPABILITIES,
    DEFAULT_SHM_SIZE,
    CommandLine,
    DeviceRequest,
    ImageDefaults,
    Settings,
    Ulimit,
    extra_host,
    variable_digest,
)
from stackproof.probes.containers.options import (
    health_check_options,
    parse_options,
    process_options_of_image,
)

_DEFAULTS = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
        "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip
_NOT_OF_PODMAN = frozenset({"AUDIT_WRITE", "MKNOD", "NET_RAW"})
_UNLIMITED = (1 << 63) - 1


def parse_image_defaults(raw: Answer) -> ImageDefaults:
    """Parse the JSON of `GET /images/{name}/json`.

    Raises:
        UnobservedError: it is not as expected.
    """
    config = raw.at("Config")
    return ImageDefaults(
        entrypoint=CommandLine.of(_texts(config.at("Entrypoint"))),
        command=CommandLine.of(_texts(config.at("Cmd"))),
        user=config.text("User", default=""),
        health_check=_health_check(config),
        options=health_check_options(raw),
        process=process_options_of_image(raw),
        volumes=tuple(posixpath.normpath(path) for path, _ in config.items("Volumes")),
    )


def parse_settings(raw: Answer) -> Settings:
    """Parse the JSON of `GET /containers/{id}/json`.

    Raises:
        UnobservedError: it is not as expected.
    """
    config, host = raw.at("Config"), raw.at("HostConfig")
    pids = host.number("PidsLimit", default=0)
    # Podman names its runtime so.
    is_podman = host.text("Runtime", default="") == "oci"
    defaults = _DEFAULTS - _NOT_OF_PODMAN if is_podman else _DEFAULTS
    requests = tuple(_requests(host))
    return Settings(
        entrypoint=CommandLine.of(_texts(config.at("Entrypoint"))),
        command=CommandLine.of(_texts(config.at("Cmd"))),
        health_check=_health_check(config),
        user=config.text("User", default=""),
        read_only=host.flag("ReadonlyRootfs", default=False),
        capabilities=tuple(sorted(_held(host, defaults))),
        default_capabilities=tuple(sorted(defaults)),
        no_new_privileges=any(
            option.replace("=", ":") in ("no-new-privileges", "no-new-privileges:true")
            for option in _texts(host.at("SecurityOpt"))
        ),
        pids=pids if pids > 0 else None,
        ulimits={
            each.text("Name").lower().removeprefix("rlimit_"): Ulimit(
                soft=_limit(each.at("Soft")), hard=_limit(each.at("Hard"))
            )
            for each in host.each("Ulimits")
        },
        devices=(
            *map(_device, host.each("Devices")),
            *(name for each in requests if each.driver == "cdi" for name in each.device_ids),
        ),
        gpus=tuple(each for each in requests if each.driver != "cdi"),
        shm_size=host.size("ShmSize", default=0) or DEFAULT_SHM_SIZE,
        extra_hosts=tuple(map(extra_host, _texts(host.at("ExtraHosts")))),
        aliases={
            name: tuple(dict.fromkeys((*_texts(at.at("Aliases")), *_texts(at.at("DNSNames")))))
            for name, at in raw.items("NetworkSettings", "Networks")
        },
        options=parse_options(raw),
        variables=dict(_variables(config)),
    )


def _health_check(config: Answer) -> CommandLine:
    """Return the command of a health check. One that is disabled is none."""
    test = _texts(config.at("Healthcheck", "Test"))
    return CommandLine.of(() if test[:1] == ("NONE",) else test)


def parse_mounts(raw: Answer) -> tuple[Mount, ...]:
    """Parse the mounts in the same JSON. Engines list a tmpfs as a mount, or by itself."""
    mounts = tuple(
        Mount(
            kind=each.text("Type"),
            source=each.text("Source", default=""),
            target=each.text("Destination"),
            name=each.text("Name", default=""),
            read_only=not each.flag("RW", default=True),
        )
        for each in raw.each("Mounts")
    )
    listed = {mount.target for mount in mounts}
    return mounts + tuple(
        Mount(kind="tmpfs", source="", target=path, read_only="ro" in options.text().split(","))
        for path, options in raw.items("HostConfig", "Tmpfs")
        if path not in listed
    )


def _variables(config: Answer) -> Iterator[tuple[str, str]]:
    """Yield each environment variable with its digest. Its value is not kept."""
    for text in _texts(config.at("Env")):
        name, is_set, value = text.partition("=")
        if is_set:
            yield name, variable_digest(name, value)


def parse_root_access(raw: Answer) -> dict[str, RootAccess]:
    """Parse the settings in the same JSON that give root access to the host."""
    host = raw.at("HostConfig")
    namespaces = {
        "pid": "PidMode", "ipc": "IpcMode", "uts": "UTSMode", "userns_mode": "UsernsMode",
        "cgroup": "CgroupnsMode",
    }  # fmt: skip
    shared = {key: host.text(each, default="") for key, each in namespaces.items()}
    is_privileged = host.flag("Privileged", default=False)
    # The engine adds `label=disable` itself for these.
    is_unlabelled = "host" in (shared["pid"], shared["ipc"])
    options = tuple(
        each
        for each in _texts(host.at("SecurityOpt"))
        if not (is_unlabelled and each in ("label=disable", "label:disable"))
    )
    if not is_privileged and host.at("MaskedPaths").value == []:
        options = (*options, "systempaths=unconfined")
    return root_access(
        capabilities=_texts(host.at("CapAdd")),
        namespaces=shared,
        network=host.text("NetworkMode", default=""),
        devices=[each.text("PathOnHost") for each in host.each("Devices")],
        device_rules=_texts(host.at("DeviceCgroupRules")),
        sources=[each.source for each in parse_mounts(raw) if each.kind == "bind"],
        security_options=() if is_privileged else options,
        groups=_texts(host.at("GroupAdd")),
        volumes_from=bool(_texts(host.at("VolumesFrom"))),
    )


def _held(host: Answer, defaults: frozenset[str]) -> frozenset[str]:
    """Return the capabilities that a container holds, as engines apply the two lists."""
    added, dropped = _capabilities(host.at("CapAdd")), _capabilities(host.at("CapDrop"))
    if host.flag("Privileged", default=False):
        return CAPABILITIES
    if ALL in added:
        return CAPABILITIES - dropped
    return added if ALL in dropped else added | (defaults - dropped)


def _capabilities(raw: Answer) -> frozenset[str]:
    return frozenset(text.upper().removeprefix("CAP_") for text in _texts(raw))


def _device(raw: Answer) -> str:
    source = raw.text("PathOnHost")
    target = raw.text("PathInContainer", default="") or source
    return f"{source}:{target}:{raw.text('CgroupPermissions', default='') or ALL_ACCESS}"


def _requests(host: Answer) -> Iterator[DeviceRequest]:
    for each in host.each("DeviceRequests"):
        yield DeviceRequest(
            driver=each.text("Driver", default=""),
            count=each.number("Count", default=0),
            device_ids=_texts(each.at("DeviceIDs")),
            capabilities=tuple(_texts(every) for every in each.each("Capabilities")),
        )


def _limit(raw: Answer) -> int:
    """Return a limit. Some engines express "unlimited" as 2^64 - 1."""
    value = raw.value
    if type(value) is not int or not -1 <= value < 1 << 64:
        raise raw.unexpected()
    return -1 if value >= _UNLIMITED else value


def _texts(raw: Answer) -> tuple[str, ...]:
    return tuple(each.text(longest=UNLIMITED) for each in raw.each())
