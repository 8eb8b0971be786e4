"""Secrets without a mount of their own are observed with one command, others with none."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from stackproof.engine.answer import Answer
from stackproof.engine.connection import Connection
from stackproof.facts.container import Container, ListedContainer
from stackproof.probes.containers.inspect import add_unmounted_secrets, inspect
from stackproof.probes.engine_session import EngineSession
from stackproof.unobserved import Unobserved
from tests.engine.shell import Shell

if TYPE_CHECKING:
    from stackproof.engine.client import EngineClient

SAMPLES = Path(__file__).parents[2] / "samples"


class Engine(Shell):
    """An engine with one container, whose commands run here."""

    def __init__(self, *targets: str) -> None:
        super().__init__()
        self._targets = targets

    def get(self, _: str) -> Answer:
        raw: dict[str, Any] = json.loads((SAMPLES / "inspect-nano-cpus.json").read_text())
        mounts = [{"Type": "bind", "Source": "/x", "Destination": each} for each in self._targets]
        return Answer(raw | {"Mounts": mounts})


def _inspected(engine: Engine, *secrets: str, state: str = "running") -> Container:
    listed = ListedContainer(id="c0ffee", state=state, project="", service="", networks=())
    connection = Connection("unix:///stand-in.sock", cast("EngineClient", engine))
    session = EngineSession(connection, {"vpn-api": listed}, {"api": "vpn-api"})
    found = inspect(connection, "c0ffee")
    assert found
    return add_unmounted_secrets(session, "api", found.container, secrets)


def test_each_mounted() -> None:
    engine = Engine("/run/secrets/token")
    assert _inspected(engine, "/run/secrets/token").unmounted_secrets == {}
    assert engine.execs == 0


@pytest.mark.parametrize("mount", ["the folder", "none: it was copied in"])
def test_not_mounted_by_itself(tmp_path: Path, mount: str) -> None:
    engine = Engine(str(tmp_path)) if mount == "the folder" else Engine()
    token, link, folder, gone = (
        str(tmp_path / name) for name in ("a token", "link", "folder", "gone")
    )
    Path(token).write_text("never shown")
    Path(link).symlink_to(gone)
    Path(folder).mkdir()
    container = _inspected(engine, token, link, folder, gone)
    assert container.unmounted_secrets == {token: True, link: False, folder: False, gone: False}
    assert engine.execs == 1
    assert "never shown" not in container.model_dump_json()


def test_of_a_container_that_does_not_run() -> None:
    files = _inspected(Engine(), "/run/secrets/token", state="exited").unmounted_secrets
    assert files == {"/run/secrets/token": Unobserved(reason="vpn-api is exited")}


def test_without_a_program_to_look_with() -> None:
    engine = Engine()
    engine.environment = {"PATH": "/none"}
    files = _inspected(engine, "/run/secrets/token").unmounted_secrets["/run/secrets/token"]
    assert isinstance(files, Unobserved)


def test_where_the_exec_is_cut_short() -> None:
    engine = Engine()
    engine.alter_output = lambda _: b""
    assert _inspected(engine, "/run/secrets/token").unmounted_secrets == {
        "/run/secrets/token": Unobserved(reason="the exec ended without the expected output")
    }
