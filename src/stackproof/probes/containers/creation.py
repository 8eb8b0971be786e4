"""How a container was created, from the engine's inspect."""

import re

from stackproof.engine.answer import UNLIMITED, Answer
from stackproof.facts.container import Creation
from stackproof.probes.containers import settings
from stackproof.probes.containers.secret_arguments import secret_arguments
from stackproof.probes.containers.secret_variables import secret_variables
from stackproof.sizes import Bytes

_COMPOSE = "com.docker.compose"
_PORT = re.compile(r"[0-9]{1,5}")


def parse_creation(raw: Answer) -> Creation:
    """Parse the JSON of `GET /containers/{id}/json`.

    Raises:
        UnobservedError: it is not as expected.
    """
    config, host = raw.at("Config"), raw.at("HostConfig")
    labels = config.at("Labels")
    files = labels.text(f"{_COMPOSE}.project.config_files", default="")
    return Creation(
        image=config.text("Image", default=""),
        image_id=raw.text("Image", default=""),
        compose_project=labels.text(f"{_COMPOSE}.project", default=""),
        compose_files=tuple(files.split(",")) if files else (),
        config_hash=labels.text(f"{_COMPOSE}.config-hash", default=""),
        restart=_restart(host),
        has_health_check=has_health_check(config),
        privileged=host.flag("Privileged", default=False),
        network_mode=host.text("NetworkMode", default=""),
        log_driver=host.text("LogConfig", "Type", default=""),
        log_options_reported=host.at("LogConfig", "Config").value is not None,
        log_max_size=_size(host.text("LogConfig", "Config", "max-size", default="")),
        mounts=settings.parse_mounts(raw),
        secret_variables=secret_variables(
            each.text(longest=UNLIMITED) for each in config.each("Env")
        ),
        settings=settings.parse_settings(raw),
        root_access=settings.parse_root_access(raw),
        secret_arguments={
            **_secret_arguments(config.at("Healthcheck", "Test"), "its health check"),
            **_secret_arguments(raw.at("Args"), "its command"),
        },
    )


def _restart(host: Answer) -> str:
    """Return the restart policy in Compose's notation: `on-failure:3`."""
    name = host.text("RestartPolicy", "Name", default="") or "no"
    retries = host.number("RestartPolicy", "MaximumRetryCount", default=0)
    return f"{name}:{retries}" if retries else name


def has_health_check(config: Answer) -> bool:
    """Return whether the `Config` of a container or an image has a health check."""
    test = next(config.each("Healthcheck", "Test"), None)
    return test is not None and test.text(longest=UNLIMITED) != "NONE"


def addresses(raw: Answer) -> dict[str, tuple[str, ...]]:
    """Return a container's IPv4 and IPv6 addresses by network; none if it is stopped."""
    keys = ("IPAddress", "GlobalIPv6Address")
    return {
        name: tuple(filter(None, (at.text(key, default="") for key in keys)))
        for name, at in raw.items("NetworkSettings", "Networks")
    }


def published(raw: Answer) -> dict[str, int]:
    """Return the published ports, and the container port of each.

    `443` is published on every address, `127.0.0.1:5432` on one.
    """
    ports: dict[str, int] = {}
    for port, bindings in raw.items("NetworkSettings", "Ports"):
        inside, _, protocol = port.partition("/")
        if not _PORT.fullmatch(inside):
            raise bindings.unexpected()
        for binding in bindings.each():
            ports[_published(binding, protocol)] = int(inside)
    return dict(sorted(ports.items()))


def _published(binding: Answer, protocol: str) -> str:
    address, port = binding.text("HostIp", default=""), binding.text("HostPort")
    if ":" in address:
        address = f"[{address}]"
    everywhere = address in ("", "0.0.0.0", "[::]")  # noqa: S104 - it is read, not bound
    where = port if everywhere else f"{address}:{port}"
    return where if protocol == "tcp" else f"{where}/{protocol}"


def _secret_arguments(words: Answer, place: str) -> dict[str, str]:
    arguments = [each.text(longest=UNLIMITED) for each in words.each()]
    return dict.fromkeys(secret_arguments(arguments), place)


def _size(text: str) -> Bytes | None:
    try:
        return Bytes.parse(text) if text else None
    except ValueError:
        return None
