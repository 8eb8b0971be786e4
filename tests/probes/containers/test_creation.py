"""Parsing how a container was created."""

import json
from pathlib import Path
from typing import Any

import pytest

from stackproof.engine.answer import Answer
from stackproof.probes.containers.creation import published
from stackproof.probes.containers.inspect import parse_inspect
from stackproof.probes.containers.listing import parse_listed

SAMPLE = Path(__file__).parents[2] / "samples" / "inspect-unlimited.json"


def _inspected(**parts: Any) -> Answer:
    raw: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))
    raw["HostConfig"] |= parts.pop("HostConfig", {})
    return Answer(raw | parts)


def test_creation() -> None:
    creation = parse_inspect(
        _inspected(
            Image="sha256:1234",
            Config={
                "Image": "app:1",
                "Env": ["API_TOKEN=6f0e1b7c2a", "PATH=/bin"],
                "Healthcheck": {"Test": ["CMD", "true"]},
                "Labels": {
                    "com.docker.compose.project": "stack",
                    "com.docker.compose.project.config_files": "/a/compose.yaml,/a/more.yaml",
                },
            },
            HostConfig={"LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}}},
            Mounts=[{"Type": "bind", "Source": "/a/src", "Destination": "/srv"}],
        )
    ).creation
    assert (creation.image, creation.image_id) == ("app:1", "sha256:1234")
    assert creation.compose_project == "stack"
    assert creation.compose_files == ("/a/compose.yaml", "/a/more.yaml")
    assert (creation.restart, creation.privileged) == ("unless-stopped", False)
    assert creation.has_health_check is True
    assert (creation.log_driver, creation.log_max_size) == ("json-file", 10 * 1024**2)
    assert list(map(str, creation.mounts)) == ["/a/src:/srv"]
    assert creation.secret_variables == {"API_TOKEN": "its name"}
    assert "6f0e1b7c2a" not in creation.model_dump_json()


def test_made_without_compose() -> None:
    creation = parse_inspect(_inspected(HostConfig={"RestartPolicy": {"Name": ""}})).creation
    assert (creation.compose_project, creation.compose_files) == ("", ())
    assert (creation.restart, creation.has_health_check) == ("no", False)
    assert (creation.log_max_size, creation.mounts) == (None, ())


@pytest.mark.parametrize("test", [["NONE"], [], None])
def test_health_check_switched_off(test: list[str] | None) -> None:
    raw = _inspected(Config={"Healthcheck": {"Test": test}})
    assert parse_inspect(raw).creation.has_health_check is False


def test_addresses() -> None:
    networks = {"stack": {"IPAddress": "172.20.0.5"}, "other": {"IPAddress": ""}}
    raw = _inspected(NetworkSettings={"Networks": networks, "Ports": {}})
    assert parse_inspect(raw).addresses == {"stack": ("172.20.0.5",), "other": ()}


@pytest.mark.parametrize(
    ("inside", "address", "expected"),
    [
        ("80/tcp", "0.0.0.0", {"8080": 80}),  # noqa: S104
        ("80/tcp", "::", {"8080": 80}),
        ("80/tcp", "", {"8080": 80}),
        ("80/tcp", "127.0.0.1", {"127.0.0.1:8080": 80}),
        ("80/tcp", "::1", {"[::1]:8080": 80}),
        ("53/udp", "", {"8080/udp": 53}),
    ],
)
def test_published(inside: str, address: str, expected: dict[str, int]) -> None:
    binding = {"HostIp": address, "HostPort": "8080"}
    ports = {inside: [binding, binding], "5432/tcp": None}
    assert published(Answer({"NetworkSettings": {"Ports": ports}})) == expected


def test_a_one_off_command_is_no_instance() -> None:
    labels = {"com.docker.compose.project": "stack", "com.docker.compose.service": "api"}
    raw = Answer({"Id": "1f" * 32, "State": "exited", "Labels": labels})
    assert (parse_listed(raw).project, parse_listed(raw).service) == ("stack", "api")
    labels["com.docker.compose.oneoff"] = "True"
    assert parse_listed(raw).service == ""
