"""The lab's shapes: their containers, their ports, and what they keep."""

import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab import __main__, address, checkout, containers, faults, shapes, stack
from lab.faults.fault import Fault
from lab.process import LabError
from lab.shapes import DEVELOPMENT, PRODUCTION, Shape
from stackproof.environment.loader import load
from stackproof.environment.model import Environment
from stackproof.fixtures.session.subjects import SUBJECTS

ENVIRONMENTS = Path(__file__).parents[2] / "environments"


def _verifying(shape: Shape) -> Environment:
    return load(shape.environment, ENVIRONMENTS, {})


@pytest.mark.parametrize("shape", shapes.ALL.values(), ids=shapes.ALL)
def test_a_shape_has_the_containers_of_its_environment(shape: Shape) -> None:
    declared = _verifying(shape).services.values()
    assert sorted(map(shape.container, shape.services)) == sorted(s.container for s in declared)


def test_development_publishes_what_is_declared() -> None:
    declared = _verifying(DEVELOPMENT).services.values()
    assert DEVELOPMENT.ports == {int(p): s.name for s in declared for p in s.publish}


def test_development_uses_the_declared_compose_file() -> None:
    assert str(DEVELOPMENT.file).endswith(f"/{_verifying(DEVELOPMENT).compose_file}")


@pytest.mark.parametrize("fault", faults.ALL.values(), ids=faults.ALL)
def test_a_fault_names_subjects_of_its_shape(fault: Fault) -> None:
    environment = _verifying(shapes.ALL[fault.shape])
    subjects = {name for of in SUBJECTS.values() for name in of(environment)}
    assert {check.partition("[")[2].removesuffix("]") for check in fault.red} <= subjects


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use(tmp_path: Path, taken: int) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(f'services: {{api-dev: {{ports: ["{taken}:5000"]}}}}')
    shape = replace(DEVELOPMENT, template=file)
    with pytest.raises(LabError) as refused:
        address.refuse_taken(shape, frozenset())
    assert str(refused.value) == (
        f"port {taken}, which api-dev publishes, is taken on this machine: "
        f"free it first (ss -ltnp 'sport = :{taken}')"
    )
    address.refuse_taken(shape, frozenset({taken}))


def test_the_checkout_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "CHECKOUT", tmp_path)
    monkeypatch.setattr(checkout, "CODE", tmp_path / "services")
    file = tmp_path / "infrastructure" / "compose.yml"
    monkeypatch.setattr(checkout, "DEVELOPMENT", replace(DEVELOPMENT, file=file))
    assert file in checkout.render()
    assert not checkout.render()
    edited, added = tmp_path / "services/api/server.js", tmp_path / "services/api/more.js"
    pristine = edited.read_bytes()
    edited.write_text("(")
    added.touch()
    assert checkout.render() == {edited, added}
    assert edited.read_bytes() == pristine
    assert not added.exists()


def test_which_containers_mount_a_file() -> None:
    def container(kind: str, source: str) -> containers.Inspected:
        return {"Mounts": [{"Type": kind, "Source": source}]}

    present = {
        "api": container("bind", "/code/api"),
        "web": container("bind", "/code/web"),
        "redis": container("volume", "/code/api"),
    }
    assert containers.mounting(present, {Path("/code/api/server.js")}) == ["api"]
    assert containers.mounting(present, set()) == []


@pytest.fixture
def production_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "refuse_foreign", lambda _: None)
    monkeypatch.setattr(containers, "is_up", lambda shape: shape is PRODUCTION)
    monkeypatch.setattr(stack, "up", lambda _: pytest.fail("the running lab was replaced"))


@pytest.mark.usefixtures("production_up")
@pytest.mark.parametrize("command", ["break", "heal"])
def test_a_fault_keeps_the_other_shape(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, command, "dev-redis-hung") == 1
    assert capsys.readouterr().err == (
        "lab: dev-redis-hung needs the development shape, and the production shape is up: "
        "scripts/lab up --shape=dev\n"
    )


def test_a_fault_needs_its_shape(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(containers, "refuse_foreign", lambda _: None)
    monkeypatch.setattr(containers, "is_up", lambda _: False)
    assert _run(monkeypatch, "break", "redis-hung") == 1
    assert capsys.readouterr().err == "lab: the production shape is not up: scripts/lab up\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["up", "--shape=staging"],
            "lab: unknown shape staging: expected prod or dev or kinds or proxies\n",
        ),
        (
            ["up", "--shape"],
            "usage: scripts/lab [up [--shape=SHAPE] | down | env | faults | break NAME | "
            "heal NAME]\n",
        ),
    ],
)
def test_bad_input(
    arguments: list[str],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _run(monkeypatch, *arguments) == 2
    assert capsys.readouterr().err == line


def test_faults_say_their_shape(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "faults") == 0
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines() if line[0] != " "]
    assert rows == [[fault.name, fault.shape] for fault in faults.ALL.values()]


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", ["lab", *arguments])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    return ended.value.code
