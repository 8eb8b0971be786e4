"""The responses of an engine that reports hostile values."""

import hashlib
import platform
from collections.abc import Callable
from typing import Any

from tests.engine.fake_engine import EXEC, Answer, inspected, of_json

SERVICES = ("api", "db", "cache", "proxy", "sql", "queue", "memory")


def container_id(name: str) -> str:
    """Return the ID of a container."""
    return hashlib.sha256(name.encode()).hexdigest()


def _mounts(value: str) -> list[dict[str, str]]:
    """Return a bind mount for each word of a command."""
    sources = (value, "-exec", "/bin/touch", "made", ";")
    return [
        {"Type": "bind", "Source": source, "Destination": f"/run/secrets/token/{number}"}
        for number, source in enumerate(sources)
    ]


def hostile_engine(value: str, hostile: str = "") -> Callable[[str], Answer]:
    """Return the responses of an engine that reports a value in every text field.

    Args:
        value: the text.
        hostile: a field that normally has a valid value, but gets this text too.
    """

    def of(place: str, ours: str) -> str:
        return value if hostile == place else ours

    def container(name: str) -> dict[str, Any]:
        raw = inspected(name)
        return raw | {
            "Id": of("inspect.Id", container_id(name)),
            "Name": of("inspect.Name", f"/{name}"),
            "Image": value,
            "Config": {
                "Image": value,
                "Labels": {f"com.docker.compose.{key}": value for key in (
                    "project", "service", "config-hash", "project.config_files")},
                "Env": [f"{value}={value}"],
                "Healthcheck": {"Test": [value]},
            },
            "HostConfig": {"NetworkMode": value, "LogConfig": {"Type": value, "Config": {
                "max-size": value}}, "RestartPolicy": {"Name": value}},
            "State": raw["State"] | {"Status": of("inspect.Status", "running"), "Health": {
                "Status": value, "FailingStreak": 0, "Log": []}},
            "Mounts": _mounts(value),
            "NetworkSettings": {"Networks": {value: {"IPAddress": value}}, "Ports": {
                "80/tcp": [{"HostIp": value, "HostPort": value}]}},
        }  # fmt: skip

    def listed(name: str) -> dict[str, Any]:
        return {
            "Id": of("list.Id", container_id(name)),
            "Names": [of("list.Names", f"/{name}")],
            "State": of("list.State", "running"),
            "Labels": {
                "com.docker.compose.project": value,
                "com.docker.compose.service": value,
            },
            "NetworkSettings": {"Networks": {value: {"IPAddress": value}}},
        }

    answers: dict[str, Any] = {
        "/version": {"ApiVersion": of("ApiVersion", "1.41")},
        "/info": {
            "ServerVersion": value,
            "NCPU": 2,
            "MemTotal": 10**9,
            "Name": of("info.Name", platform.node()),
            "DockerRootDir": value,
            "SystemTime": of("info.SystemTime", "2026-01-01T00:00:00Z"),
            "CgroupVersion": of("info.CgroupVersion", "2"),
        },
        "/networks": [{"Name": value, "IPAM": {"Config": [{"Subnet": value}]}}],
        "/images/json": [{"Id": value}],
        "/containers/json": [listed(name) for name in SERVICES],
    }

    def answer(path: str) -> Answer:
        bare = path.partition("?")[0]
        if bare in answers:
            return of_json(answers[bare])
        for name in SERVICES:
            if bare == f"/containers/{container_id(name)}/json":
                return of_json(container(name))
        if bare.startswith(("/images/", "/distribution/")):
            return of_json({"Id": value, "Size": 1, "Config": {"Healthcheck": {"Test": [value]}}})
        if bare.endswith("/exec"):
            return of_json({"Id": of("exec.Id", EXEC)})
        if bare.endswith(("/logs", "/start")):
            return 200, {}, f"2026-01-01T00:00:00Z [alert] {value}\n".encode()
        return of_json({"message": value})

    return answer
