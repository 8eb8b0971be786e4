"""Fake containers, and the responses of an engine that has them."""

import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from tests.engine.fake_engine import Answer

MIB = 1024**2
API_VERSION = "1.41"
PROJECT = "shop"
NETWORK = f"{PROJECT}_default"

Impairment = Literal["refuses", "silent", "cut off"]
"""`refuses`: every response has status 500. `silent`: it accepts connections, but sends
no response. `cut off`: every response ends in the middle."""


@dataclass(frozen=True)
class FakeContainer:
    """A container, as it appears in the engine's list and in inspect."""

    service: str
    name: str = ""
    image: str = "shop/app:1"
    status: str = "running"
    exit_code: int = 0
    health: str | None = "healthy"
    restarts: int = 0
    made: int = 0
    """A different number means another container: with another ID, started later."""
    variables: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mapping[str, Any], ...] = ()
    address: str = "172.30.0.2"

    @property
    def id(self) -> str:
        return sha256(f"{self.service} {self.made}".encode()).hexdigest()

    @property
    def own_name(self) -> str:
        return self.name or self.service

    def listed(self) -> dict[str, Any]:
        """Return its entry of `GET /containers/json`."""
        return {
            "Id": self.id,
            "Names": [f"/{self.own_name}"],
            "Image": self.image,
            "ImageID": image_id(self.image),
            "State": self.status,
            "Status": self.status,
            "Labels": self._labels(),
            "NetworkSettings": {"Networks": self._networks()},
            "Mounts": list(self.mounts),
            "Ports": [],
        }

    def inspected(self) -> dict[str, Any]:
        """Return the body of `GET /containers/ID/json`."""
        started = _STARTED + timedelta(minutes=self.made)
        return {
            "Id": self.id,
            "Name": f"/{self.own_name}",
            "Created": _text(started - timedelta(seconds=1)),
            "Image": image_id(self.image),
            "RestartCount": self.restarts,
            "State": {
                "Status": self.status,
                "Running": self.status == "running",
                "ExitCode": self.exit_code,
                "OOMKilled": False,
                "StartedAt": _text(started),
                "FinishedAt": "0001-01-01T00:00:00Z",
                **({"Health": self._health()} if self.health else {}),
            },
            "Config": {
                "Image": self.image,
                "Labels": self._labels(),
                "Env": list(self.variables),
                **({"Healthcheck": {"Test": ["CMD", "check"]}} if self.health else {}),
            },
            "HostConfig": {
                "NetworkMode": NETWORK,
                "Privileged": False,
                "RestartPolicy": {"Name": "unless-stopped"},
                "Memory": 512 * MIB,
                "NanoCpus": 1_000_000_000,
                "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
            },
            "NetworkSettings": {"Networks": self._networks(), "Ports": {}},
            "Mounts": list(self.mounts),
        }

    def _labels(self) -> dict[str, str]:
        return {
            "com.docker.compose.project": PROJECT,
            "com.docker.compose.service": self.service,
            "com.docker.compose.oneoff": "False",
            "com.docker.compose.config-hash": sha256(self.image.encode()).hexdigest(),
            "com.docker.compose.project.config_files": "/opt/shop/compose.yaml",
            **self.labels,
        }

    def _networks(self) -> dict[str, Any]:
        return {NETWORK: {"IPAddress": self.address, "GlobalIPv6Address": ""}}

    def _health(self) -> dict[str, Any]:
        code, now = 0 if self.health == "healthy" else 1, _text(datetime.now(UTC))
        run = {"Start": now, "End": now, "ExitCode": code, "Output": "seen"}
        return {"Status": self.health, "FailingStreak": code, "Log": [run]}


_STARTED = datetime(2026, 1, 1, tzinfo=UTC)


def image_id(image: str) -> str:
    """Return the id of an image by its tag."""
    return f"sha256:{sha256(image.encode()).hexdigest()}"


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


class FakeContainers:
    """The responses of an engine of version 1.41 that has some containers.

    Commands in containers get status 501. `containers` may be replaced at any
    time. `answers` takes precedence: JSON or text by a pattern that the whole path matches.
    """

    def __init__(self, *containers: FakeContainer) -> None:
        self.containers = containers
        self.answers: dict[str, Any] = {}
        self.impaired: Impairment | None = None

    def __call__(self, path: str) -> Answer | None:
        """Return the response to a request; see `fake_engine.Respond`."""
        if self.impaired == "silent":
            return None
        status, content = self._answer(urlsplit(path).path)
        if self.impaired == "refuses":
            status, content = 500, {"message": "the engine is shutting down"}
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        headers = {
            "Content-Type": "application/json",
            "Api-Version": API_VERSION,
            "Content-Length": str(len(body)),
        }
        return status, headers, body[: len(body) // 2] if self.impaired == "cut off" else body

    def _answer(self, path: str) -> tuple[int, Any]:
        for pattern, body in self.answers.items():
            if re.fullmatch(pattern, path):
                return 200, body
        parts = [unquote(part) for part in path.strip("/").split("/")]
        match parts:
            case ["_ping"]:
                return 200, "OK"
            case ["version"]:
                return 200, {"ApiVersion": API_VERSION, "Version": "20.10.24", "Os": "linux"}
            case ["info"]:
                return 200, self._info()
            case ["networks"]:
                return 200, [{"Name": NETWORK, "IPAM": {"Config": [{"Subnet": "172.30.0.0/16"}]}}]
            case ["containers", "json"]:
                return 200, [each.listed() for each in self.containers]
            case ["containers", name, "json"] if found := self._find(name):
                return 200, found.inspected()
            case ["containers", name, "stats"] if self._find(name):
                memory = {"usage": 64 * MIB, "limit": 512 * MIB, "stats": {}}
                return 200, {"memory_stats": memory, "cpu_stats": {}}
            case ["containers", name, "logs"] if self._find(name):
                return 200, ""
            case ["containers", _, "exec"]:
                return 501, {"message": "commands are not supported"}
            case ["images", "json"]:
                return 200, [{"Id": image_id(each)} for each in self._images()]
            case ["images", *name, "json"]:
                return 200, {"Id": image_id("/".join(name)), "Size": 100 * MIB, "Config": {}}
        return 404, {"message": f"No such thing: {path}"}

    def _find(self, name: str) -> FakeContainer | None:
        return next((each for each in self.containers if name in (each.id, each.own_name)), None)

    def _images(self) -> list[str]:
        return sorted({each.image for each in self.containers})

    def _info(self) -> dict[str, Any]:
        return {
            "ServerVersion": "20.10.24",
            "NCPU": 4,
            "MemTotal": 8 * 1024 * MIB,
            "CgroupVersion": "2",
            "Name": platform.node(),
            "DockerRootDir": "/",
            "SystemTime": _text(datetime.now(UTC)),
        }
