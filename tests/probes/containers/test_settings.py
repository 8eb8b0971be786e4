"""Settings of a container, as the forms of several engines are read."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stackproof.engine.answer import Answer
from stackproof.environment.model import Environment
from stackproof.facts.container import Container, Mount
from stackproof.facts.settings import CAPABILITIES, CommandLine, Namespace, Settings
from stackproof.facts.snapshot import Facts
from stackproof.probes.containers.inspect import parse_inspect
from stackproof.probes.declaration import PROBES, Need
from stackproof.probes.gather import gather
from stackproof.unobserved import UnobservedError
from tests.engine.fake_engine import FakeEngine, answering, fake_engine, inspected, listed

SAMPLE = Path(__file__).parents[2] / "samples" / "inspect-specified.json"
VPN, CLIENT = "1f" * 32, "2e" * 32


def _raw() -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))
    return raw


def _settings(config: dict[str, Any] | None = None, **host: Any) -> Settings:
    raw = _raw()
    raw["Config"] |= config or {}
    raw["HostConfig"] |= host
    settings = parse_inspect(Answer(raw)).creation.settings
    assert settings
    return settings


def test_what_compose_asked_for() -> None:
    settings = _settings()
    assert settings.command == CommandLine.of(("sleep", "100000"))
    assert settings.command.shown == "sleep 100000"
    assert settings.entrypoint == CommandLine.of(())
    assert (settings.user, settings.read_only) == ("1000:1000", True)
    assert settings.capabilities == ("NET_BIND_SERVICE",)
    assert settings.no_new_privileges is True
    assert (settings.pids, settings.shm_size) == (100, 128 << 20)
    assert {name: str(each) for name, each in settings.ulimits.items()} == {
        "nproc": "512", "nofile": "1024:2048"
    }  # fmt: skip
    assert settings.devices == ("/dev/null:/dev/mynull:r",)
    assert settings.gpus == ()
    assert settings.extra_hosts == ("db.example:10.1.2.3", "host.docker.internal:host-gateway")
    assert "primary" in settings.aliases["shop_back"]
    assert "primary" not in settings.aliases["shop_front"]


@pytest.mark.parametrize("nothing", [None, 0, -1])
def test_what_an_engine_leaves_out(nothing: int | None) -> None:
    raw = _raw()
    raw["HostConfig"] = {"PidsLimit": nothing, "ShmSize": 0 if nothing else None}
    raw["Config"] = {"Cmd": None, "Entrypoint": None, "User": None}
    settings = parse_inspect(Answer(raw)).creation.settings
    assert settings
    assert (settings.command.shown, settings.entrypoint.shown, settings.user) == ("", "", "")
    assert settings.capabilities == settings.default_capabilities
    assert len(settings.capabilities) == 14
    assert (settings.pids, settings.shm_size) == (None, 64 << 20)
    assert (settings.read_only, settings.no_new_privileges) == (False, False)
    assert not settings.ulimits
    assert not settings.devices + settings.extra_hosts
    assert not settings.gpus


@pytest.mark.parametrize(
    ("host", "lacks", "has"),
    [
        ({"CapAdd": ["ALL"], "CapDrop": ["NET_RAW"]}, {"NET_RAW"}, CAPABILITIES - {"NET_RAW"}),
        ({"CapAdd": None, "CapDrop": ["CAP_NET_RAW"]}, {"NET_RAW", "SYS_ADMIN"}, {"CHOWN"}),
        ({"CapAdd": ["sys_admin"], "CapDrop": None}, {"SYS_TIME"}, {"SYS_ADMIN", "NET_RAW"}),
        ({"Privileged": True}, set(), CAPABILITIES),
        ({"Runtime": "oci", "CapAdd": [], "CapDrop": []}, {"NET_RAW", "MKNOD"}, {"CHOWN"}),
    ],
)
def test_capabilities(host: dict[str, Any], lacks: set[str], has: set[str]) -> None:
    held = set(_settings(**host).capabilities)
    assert has <= held
    assert not lacks & held


@pytest.mark.parametrize(
    ("option", "prevented"),
    [
        ("no-new-privileges", True),
        ("no-new-privileges=true", True),
        ("no-new-privileges:false", False),
        ("seccomp=unconfined", False),
    ],
)
def test_no_new_privileges(option: str, prevented: bool) -> None:
    assert _settings(SecurityOpt=[option]).no_new_privileges is prevented


@pytest.mark.parametrize("limit", ["many", -2, 1 << 64, 1.5, None])
def test_ulimit_that_cannot_be_read(limit: Any) -> None:
    with pytest.raises(UnobservedError, match=r"HostConfig\.Ulimits\[0\]\.Soft"):
        _settings(Ulimits=[{"Name": "nofile", "Soft": limit, "Hard": 1}])


def test_mounts() -> None:
    mounts = {mount.target: mount for mount in parse_inspect(Answer(_raw())).creation.mounts}
    assert (mounts["/data"].kind, mounts["/data"].name) == ("volume", "shop_data")
    assert (mounts["/etc/app"].kind, mounts["/etc/app"].read_only) == ("bind", True)
    assert [(mounts[path].kind, mounts[path].read_only) for path in ("/tmp", "/scratch")] == [  # noqa: S108
        ("tmpfs", False),
        ("tmpfs", False),
    ]
    assert str(mounts["/data"]) == "shop_data:/data"
    assert str(Mount(kind="bind", source="/srv", target="/app")) == "/srv:/app"


@pytest.mark.parametrize(
    "command",
    [
        ("redis-server", "--requirepass", "{}"),
        ("sh", "-c", "exec app --password={}"),
        ("app", "postgres://app:{}@db/app"),
        ("mysqld", "-p{}"),
    ],
)
def test_secret_in_a_command(command: tuple[str, ...]) -> None:
    """It is not kept, and another one is noticed all the same."""
    made = [text.format("hunter2Xq9") for text in command]
    settings = _settings({"Cmd": made})
    assert "hunter2Xq9" not in settings.model_dump_json()
    assert settings.command.matches(CommandLine.of(made))
    plain = settings.command.model_copy(update={"shown": shlex.join(made), "is_redacted": False})
    assert plain.matches(settings.command), "where its redaction was not known"
    other = CommandLine.of(text.format("hunter2Xq8") for text in command)
    assert not settings.command.matches(other)
    assert settings.command.shown == other.shown


def test_arguments_are_not_joined() -> None:
    lines = [CommandLine.of(each) for each in (("a b",), ("a", "b"), ("a", "b", ""))]
    assert len({line.digest for line in lines}) == len({line.shown for line in lines}) == 3
    same = lines[1].model_copy(update={"digest": lines[0].digest})
    assert not same.matches(lines[0]), "digests are short"


SHARING = {"HostConfig": {"NetworkMode": f"container:{VPN}"}, "NetworkSettings": {}}
SHOP = {"vpn": {}, "client": {"network_mode": "service:vpn"}}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    networks = {"Networks": {"shop": {"IPAddress": "172.20.0.9"}}}
    parts = {
        "/containers/json": [
            listed("client", Id=CLIENT, **SHARING),
            listed("vpn", Id=VPN, NetworkSettings=networks, HostConfig={"NetworkMode": "shop"}),
        ],
        VPN: inspected("vpn", Id=VPN, NetworkSettings=networks),
        CLIENT: inspected("client", Id=CLIENT, **SHARING),
    }
    with fake_engine(tmp_path, answering(parts)) as engine:
        yield engine


def _gathered(engine: FakeEngine, *services: str) -> Facts:
    declared = {
        "name": "shop", "services": {name: SHOP[name] for name in services},
        "engine": {"address": engine.address},
    }  # fmt: skip
    environment = Environment.model_validate(declared)
    needs = {Need(PROBES["container"], "client"), Need(PROBES["listed"])}
    return gather(environment, needs, "a run")


def test_container_whose_network_is_shared(engine: FakeEngine) -> None:
    facts = _gathered(engine, *SHOP)
    client = facts.containers["client"]
    assert isinstance(client, Container)
    assert client.namespace
    assert (client.namespace.name, client.namespace.service) == ("vpn", "vpn")
    assert client.own_addresses == {"172.20.0.9"}
    assert client.addresses == {}
    assert facts.listed["client"].address == "172.20.0.9"
    assert facts.listed["client"].networks == ()


def test_container_whose_shared_network_is_gone(tmp_path: Path) -> None:
    parts = {
        "/containers/json": [listed("client", Id=CLIENT, **SHARING)],
        CLIENT: inspected("client", Id=CLIENT, **SHARING),
    }
    with fake_engine(tmp_path, answering(parts)) as engine:
        facts = _gathered(engine, *SHOP)
    client = facts.containers["client"]
    assert isinstance(client, Container)
    assert client.namespace == Namespace(id=VPN)
    assert (client.own_addresses, facts.listed["client"].address) == (frozenset(), "")
