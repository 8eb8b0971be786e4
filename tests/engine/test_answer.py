"""Values of a wrong type, anywhere in the engine's responses: reported, and limited in effect."""

import copy
import json
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stackproof.engine.answer import Answer
from stackproof.environment.machine import Engine
from stackproof.environment.model import Environment
from stackproof.facts.container import Container
from stackproof.facts.snapshot import Facts
from stackproof.probes.containers.inspect import parse_inspect
from stackproof.probes.containers.listing import list_containers
from stackproof.probes.containers.usage import parse_stats
from stackproof.probes.declaration import PROBES, Need
from stackproof.probes.gather import gather
from stackproof.unobserved import Unobserved, UnobservedError
from tests.engine.fake_engine import EXEC, ID, answering, fake_engine, inspected, listed, of_json

SAMPLES = Path(__file__).parents[1] / "samples"
INFO = {
    "ServerVersion": "28.0.0", "NCPU": 2, "MemTotal": 10**9, "CgroupVersion": "2",
    "Name": platform.node(), "DockerRootDir": "/var/lib/docker",
    "SystemTime": "2026-01-01T00:00:00.123456789+01:00",
}  # fmt: skip
LISTED = listed(
    "api",
    Labels={"com.docker.compose.project": "shop", "com.docker.compose.service": "api"},
    NetworkSettings={"Networks": {"shop": {"IPAddress": "172.20.0.2"}}},
)
NETWORKS = [{"Name": "shop", "IPAM": {"Config": [{"Subnet": "172.20.0.0/16"}]}}]
WRONG: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 2**64, 2**63, 1.5, float("inf"), "", "x", "9" * 29,
    "99999-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-01-01", "x" * 100_000, "\x00",
    [], [None], [[]], [{}], {}, {"x": None}, {"": ""}, [1], ["x"], [[[[1]]]],
)  # fmt: skip


def _sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _paths(value[key], (*path, key))


def _with(value: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    changed = copy.copy(value)
    changed[path[0]] = _with(value[path[0]], path[1:], wrong)
    return changed


class Canned:
    """A connection whose every call returns the same response."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def call(self, _: object) -> Answer:
        return Answer(self._value)

    def list_containers(self) -> Answer:
        return Answer(self._value)


FULL = _sample("inspect-unhealthy") | {
    "Id": ID,
    "Config": {
        "Image": "api:1", "Env": ["A=b"], "Labels": {"com.docker.compose.project": "shop"},
        "Healthcheck": {"Test": ["CMD", "true"]},
    },
    "Mounts": [{"Type": "bind", "Source": "/a", "Destination": "/b"}],
    "NetworkSettings": {
        "Networks": {"shop": {"IPAddress": "172.20.0.2", "GlobalIPv6Address": "fd00::2"}},
        "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "80"}]},  # noqa: S104
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda raw: parse_inspect(Answer(raw)), FULL),
        (lambda raw: parse_stats(Answer(raw)), _sample("stats-v1")),
        (lambda raw: parse_stats(Answer(raw)), _sample("stats-v2")),
        (lambda raw: list_containers(Canned(raw)), [LISTED]),  # type: ignore[arg-type]
        (lambda raw: PROBES["machine"].observe(None, Canned(raw)), INFO),
        (lambda raw: PROBES["networks"].observe(None, Answer(raw)), NETWORKS),
        (lambda raw: PROBES["internal_networks"].observe(None, Answer(raw)), NETWORKS),
        (lambda raw: PROBES["volumes"].observe(None, Canned(raw)), {"Volumes": [{"Name": "a"}]}),
        (lambda raw: parse_inspect(Answer(raw)), _sample("inspect-specified")),
        (lambda raw: PROBES["image_ids"].observe(None, Canned(raw)), [{"Id": "1"}]),
    ],
    ids=[
        "inspect",
        "stats-v1",
        "stats-v2",
        "list",
        "info",
        "networks",
        "internal",
        "volumes",
        "settings",
        "images",
    ],
)
def test_a_wrong_value_in_every_place(read: Callable[[Any], Any], value: Any) -> None:
    read(value)
    message: set[str] = set()
    for path in _paths(value):
        for wrong in WRONG:
            try:
                found = read(_with(value, path, wrong))
            except UnobservedError as error:
                message.add(str(error))
            else:
                # A snapshot is read again later.
                if isinstance(found, Container):
                    assert Container.model_validate_json(found.model_dump_json()) == found
    assert all(len(each) < 200 and len(each.splitlines()) == 1 for each in message)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"State": {"StartedAt": "9" * 29}}, "State.StartedAt"),
        ({"State": {"StartedAt": 9}}, "State.StartedAt"),
        ({"State": {"StartedAt": None}}, "State.StartedAt"),
        ({"State": {"OOMKilled": "no"}}, "State.OOMKilled"),
        ({"RestartCount": "3"}, "RestartCount"),
        ({"RestartCount": True}, "RestartCount"),
        ({"HostConfig": []}, "HostConfig"),
        ({"Id": "c0ffee"}, "Id"),
        ({"Mounts": [{"Type": "bind", "Destination": 1}]}, "Mounts[0].Destination"),
        ({"NetworkSettings": {"Ports": {"x/tcp": []}}}, "NetworkSettings.Ports.x/tcp"),
    ],
)
def test_the_error_names_the_value(wrong: dict[str, Any], named: str) -> None:
    raw = copy.deepcopy(FULL)
    for key, value in wrong.items():
        raw[key] = raw[key] | value if isinstance(value, dict) and key != "HostConfig" else value
    with pytest.raises(UnobservedError) as reason:
        parse_inspect(Answer(raw))
    assert str(reason.value) == f"unexpected value in the engine's response at {named}"


def test_a_point_in_time() -> None:
    found = Answer("2026-01-01T00:00:00.123456789+01:00").moment()
    assert found == datetime(2025, 12, 31, 23, 0, 0, 123456, UTC)


SHOP = {"name": "shop", "services": {"api": {}, "web": {}, "db": {}}}
WEB, DB = "1f" * 32, "2e" * 32


def _gathered(tmp_path: Path, changed: dict[str, Any], in_list: list[dict[str, Any]]) -> Facts:
    answers = {
        "/containers/json": of_json(in_list),
        f"/{ID}/json": inspected("api", **changed),
        f"/{WEB}/json": inspected("web", Id=WEB),
        f"/{DB}/json": inspected("db", Id=DB),
        "/info": INFO,
        "/exec": {"Id": EXEC},
    }
    with fake_engine(tmp_path, answering(answers)) as server:
        shop = Environment.model_validate(SHOP | {"engine": Engine(address=server.address)})
        needs = {Need(PROBES["container"], name) for name in ("api", "web", "db")}
        return gather(shop, needs | {Need(PROBES["listed"]), Need(PROBES["machine"])}, "a run")


def test_a_wrong_value_affects_only_its_container(tmp_path: Path) -> None:
    in_list = [listed("api"), listed("web", Id=WEB), listed("db", Id=DB)]
    state = inspected("api")["State"] | {"StartedAt": "9" * 29}
    facts = _gathered(tmp_path, {"State": state}, in_list)
    assert facts.containers["api"] == Unobserved(
        reason="unexpected value in the engine's response at State.StartedAt"
    )
    assert isinstance(facts.containers["web"], Container)
    assert isinstance(facts.containers["db"], Container)
    assert not isinstance(facts.listed, Unobserved)
    assert not isinstance(facts.machine, Unobserved)


@pytest.mark.parametrize(
    ("wrong", "named"), [({"State": 7}, "[0].State"), ({"Id": "../x"}, "[0].Id")]
)
def test_a_wrong_value_in_the_list(wrong: dict[str, Any], named: str, tmp_path: Path) -> None:
    in_list = [listed("api", **wrong), listed("web", Id=WEB)]
    facts = _gathered(tmp_path, {}, in_list)
    message = f"unexpected value in the engine's response at {named}"
    assert facts.containers["api"] == Unobserved(reason=message)
    assert isinstance(facts.containers["web"], Container)
    assert facts.containers["db"] is None
    # Whether there are other containers is unknown.
    assert facts.listed == Unobserved(reason=f"the engine's list of containers: api: {message}")


def test_a_nameless_entry_in_the_list(tmp_path: Path) -> None:
    """It may be any container, so none is reported as missing."""
    facts = _gathered(tmp_path, {}, [listed("api"), listed("x", Names=[7])])
    message = "unexpected value in the engine's response at [1].Names[0]"
    assert isinstance(facts.containers["api"], Container)
    assert facts.containers["db"] == Unobserved(reason=message)
