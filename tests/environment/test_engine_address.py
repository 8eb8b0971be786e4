"""The address of the engine: the file, DOCKER_HOST, the context, the default socket."""

import json
import os
import socket
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from stackproof.engine.connection import connect
from stackproof.environment.loader import InvalidEnvironment, load
from stackproof.environment.machine import Engine
from stackproof.unobserved import UnobservedError

DEFAULT = "unix:///var/run/docker.sock"
ENGINE = "expected an engine such as unix:///var/run/docker.sock or ssh://user@host:22"
FAR = "tcp://203.0.113.7:2375"


def engine(config: Path, address: str = "", /, **variables: str) -> Engine:
    declared = f"engine: {{address: '{address}'}}\n" if address else ""
    (config.parent / "shop.yaml").write_text(declared + "services: {api: {}}\n", encoding="utf-8")
    return load("shop", config.parent, {"DOCKER_CONFIG": str(config), **variables}).engine


def message_of(config: Path, **variables: str) -> str:
    with pytest.raises(InvalidEnvironment) as error:
        engine(config, **variables)
    assert error.value.__context__ is None
    text = str(error.value)
    assert len(text.splitlines()) == 1
    return text.replace(f"{config}/", "")


def select(config: Path, name: object) -> None:
    (config / "config.json").write_text(json.dumps({"currentContext": name}), encoding="utf-8")


def context(config: Path, name: str, **endpoint: Any) -> Path:
    """Create a context as `docker context create` does, and return its TLS directory."""
    identity = sha256(name.encode()).hexdigest()
    meta = config / "contexts" / "meta" / identity
    meta.mkdir(parents=True)
    text = json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}})
    (meta / "meta.json").write_text(text, encoding="utf-8")
    tls = config / "contexts" / "tls" / identity / "docker"
    tls.mkdir(parents=True)
    return tls


def test_order(config: Path) -> None:
    for name in ("current", "chosen"):
        context(config, name, Host=f"unix:///{name}.sock")
    select(config, "current")
    variables = {"DOCKER_HOST": FAR, "DOCKER_CONTEXT": "chosen"}
    found = []
    for address, left in (("unix:///declared.sock", 2), ("", 2), ("", 1), ("", 0)):
        given = dict(list(variables.items())[len(variables) - left :])
        at = engine(config, address, **given)
        found.append((at.address, at.source))
    select(config, "")
    at = engine(config)
    assert [*found, (at.address, at.source)] == [
        ("unix:///declared.sock", ""),
        (FAR, "DOCKER_HOST"),
        ("unix:///chosen.sock", "context chosen"),
        ("unix:///current.sock", "context current"),
        (DEFAULT, ""),
    ]


def test_context_default_means_the_default_socket(config: Path) -> None:
    select(config, "current")
    assert engine(config, DOCKER_CONTEXT="default").address == DEFAULT
    select(config, "default")
    assert engine(config).address == DEFAULT


def test_configuration_of_the_user(config: Path) -> None:
    home = config.parent / "home"
    (home / ".docker").mkdir(parents=True)
    context(home / ".docker", "mine", Host=FAR)
    select(home / ".docker", "mine")
    assert engine(config, DOCKER_CONFIG="", HOME=str(home)).address == FAR


def test_an_empty_address_counts_as_missing(config: Path) -> None:
    (config.parent / "shop.yaml").write_text(
        "engine: {address: '${NONE:-}'}\nservices: {api: {}}\n", encoding="utf-8"
    )
    loaded = load("shop", config.parent, {"DOCKER_CONFIG": str(config), "DOCKER_HOST": FAR})
    assert (loaded.engine.address, loaded.engine.label) == (FAR, f"{FAR} (DOCKER_HOST)")


def test_nothing_is_resolved_offline(config: Path) -> None:
    (config.parent / "shop.yaml").write_text("services: {api: {}}\n", encoding="utf-8")
    variables = {"DOCKER_CONFIG": str(config), "DOCKER_HOST": "npipe://"}
    assert load("shop", config.parent, variables, offline=True).engine == Engine()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("unix:///run/user/1000/docker.sock", "unix:///run/user/1000/docker.sock"),
        ("unix://", DEFAULT),
        ("127.0.0.1:2375", "tcp://127.0.0.1:2375"),
        ("tcp://docker", "tcp://docker:2375"),
        ("tcp://[::1]:2375", "tcp://[::1]:2375"),
        (" ssh://deploy@shop.example ", "ssh://deploy@shop.example"),
        ("ssh://deploy@shop.example/run/user/1000/docker.sock",) * 2,
        ("ssh://shop.example:22/run/podman/podman.sock",) * 2,
    ],
)
def test_docker_host(config: Path, host: str, address: str) -> None:
    assert engine(config, DOCKER_HOST=host).address == address


@pytest.mark.parametrize(
    "host",
    [
        "npipe:////./pipe/docker_engine", "fd://", "http://127.0.0.1:2375", "TCP://127.0.0.1:1",
        "garbage", "tcp://", "tcp://:2375", "tcp://h:0", "tcp://h:99999", "tcp://h:80:80", "tcp://[",
        "tcp://h:²", "tcp://a b:1", "tcp://h:1\nX", "tcp://h:1?x", "unix://relative",
        "/var/run/docker.sock", "ssh://", "ssh://-oProxyCommand=x", "ssh://-l@h", "ssh://h/../path",
        "tcp://user:pw@h:1", "ssh://user:pw@h", "tcp://..:1", f"tcp://{'a' * 64}:1",
    ],
)  # fmt: skip
def test_invalid_docker_host(config: Path, host: str) -> None:
    assert message_of(config, DOCKER_HOST=host) == f"DOCKER_HOST: {ENGINE}"


def test_message_never_contains_a_password(config: Path) -> None:
    with pytest.raises(InvalidEnvironment, match=r"engine\.address: expected an engine") as error:
        engine(config, "tcp://admin:hunter2@shop.example:2376")
    assert "hunter2" not in str(error.value)
    context(config, "far", Host="tcp://admin:hunter2@shop.example:2376")
    assert "hunter2" not in message_of(config, DOCKER_CONTEXT="far")


@pytest.mark.parametrize("name", ["gone", "../../etc", "a\nb", "\x1b[2J", "x" * 5000])
def test_unknown_context(config: Path, name: str) -> None:
    assert ": there is no such context" in message_of(config, DOCKER_CONTEXT=name)


def test_invalid_context(config: Path) -> None:
    meta = context(config, "far").parents[2] / "meta" / sha256(b"far").hexdigest() / "meta.json"
    label = "context far (DOCKER_CONTEXT): "
    file = str(meta).replace(f"{config}/", "")
    for text, message in (
        ("{", f"{file} is not valid JSON"),
        ("[" * 100_000, f"{file} is not valid JSON"),
        ("[]", f"{file} holds no JSON object"),
        ("{}", ENGINE),
        ('{"Endpoints": 3}', ENGINE),
        ('{"Endpoints": {"docker": []}}', ENGINE),
        ('{"Endpoints": {"docker": {"Host": null}}}', ENGINE),
        ('{"Endpoints": {"docker": {"Host": ""}}}', f"{ENGINE}, got ''"),
        ('{"Endpoints": {"docker": {"Host": "npipe://x"}}}', f"{ENGINE}, got 'npipe://x'"),
        (" " * 2_000_000, f"{file} cannot be read: larger than 1024 KiB"),
    ):
        meta.write_text(text, encoding="utf-8")
        assert message_of(config, DOCKER_CONTEXT="far") == label + message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "config.json is not valid JSON"),
        ("\x00", "config.json is not valid JSON"),
        ("9" * 5000, "config.json is not valid JSON"),
        ("[" * 100_000, "config.json is not valid JSON"),
        ("[]", "config.json holds no JSON object"),
        ('{"currentContext": 3}', "config.json: currentContext: expected the name of a context"),
        (" " * 2_000_000, "config.json cannot be read: larger than 1024 KiB"),
    ],
)
def test_invalid_configuration(config: Path, content: str, message: str) -> None:
    (config / "config.json").write_text(content, encoding="utf-8")
    assert message_of(config) == f"Docker's configuration: {message}"
    assert engine(config, DOCKER_HOST=FAR).address == FAR


def test_configuration_is_not_a_regular_file(config: Path) -> None:
    os.mkfifo(config / "config.json")
    assert message_of(config).endswith("config.json cannot be read: not a regular file")
    # The Docker SDK would read it for every address.
    assert message_of(config, DOCKER_HOST=FAR) == message_of(config)
    (config / "config.json").unlink()
    (config / "config.json").symlink_to("/dev/zero")
    assert message_of(config).endswith("config.json cannot be read: not a regular file")


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("ssh://h", ""),
        ("ssh://h/", ""),
        ("ssh://h/run/user/1000/docker.sock", "/run/user/1000/docker.sock"),
        ("ssh://h/my%20engine.sock", "/my engine.sock"),
        ("unix:///run/docker.sock", ""),
        ("tcp://h:2376", ""),
    ],
)
def test_the_socket_behind_ssh(address: str, path: str) -> None:
    assert Engine(address=address).socket_path == path


def test_a_context_with_a_socket_behind_ssh(config: Path) -> None:
    context(config, "far", Host="ssh://h/run/user/1000/podman/podman.sock")
    assert engine(config, DOCKER_CONTEXT="far").socket_path == "/run/user/1000/podman/podman.sock"


def test_the_socket_of_a_context_is_connected_to(config: Path) -> None:
    path = config.parent / "engine.sock"
    context(config, "near", Host=f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    # Bound, but not listening.
    with pytest.raises(UnobservedError) as error:
        connect(engine(config, DOCKER_CONTEXT="near"))
    assert str(error.value) == f"engine unix://{path} (context near): connection refused"
