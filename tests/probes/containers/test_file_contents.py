"""Configs and secrets in a container are compared with the declared contents, inside it."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from stackproof.engine.connection import Connection
from stackproof.environment.container_settings import DeclaredContent
from stackproof.facts.container import Container, ListedContainer, Mount
from stackproof.facts.settings import content_digest
from stackproof.probes.containers.file_contents import add_file_contents
from stackproof.probes.engine_session import EngineSession
from tests import shop
from tests.engine.shell import Shell

if TYPE_CHECKING:
    from stackproof.engine.client import EngineClient

CREATED = datetime(2026, 11, 24, 7, 30, 30, 400_000, tzinfo=UTC)
OLD = b"token=s3cr3t-old\n"


def _observed(
    shell: Shell,
    declared: dict[str, bytes],
    *,
    mounted: tuple[str, ...] = (),
    state: str = "running",
) -> Container:
    listed = ListedContainer(id="c0ffee", state=state, project="", service="", networks=())
    connection = Connection("unix:///stand-in.sock", cast("EngineClient", shell))
    session = EngineSession(connection, {"shop": listed}, {"web": "shop"})
    mounts = tuple(Mount(kind="bind", source="/x", target=path) for path in mounted)
    created = shop.created(mounts=mounts)
    container = shop.container(created_at=CREATED, status=state, creation=created)
    contents = {
        path: DeclaredContent(digest=content_digest(content)) for path, content in declared.items()
    }
    return add_file_contents(session, "web", container, contents)


def _file(folder: Path, name: str, at: float) -> str:
    file = folder / name
    file.write_bytes(OLD)
    os.utime(file, (at, at))
    return str(file)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    """A file as Compose copies it, one that its program has changed, and one that is mounted."""
    created = CREATED.timestamp()
    return (
        _file(tmp_path, "copied", created // 1),
        _file(tmp_path, "changed", created + 0.25),
        _file(tmp_path, "a mounted one", created + 900),
    )


def test_contents(files: tuple[str, str, str], tmp_path: Path) -> None:
    same = _observed(Shell(), dict.fromkeys(files, OLD), mounted=files[2:])
    assert same.same_files == dict.fromkeys(files, True)
    declared = dict.fromkeys((*files, str(tmp_path / "missing")), b"token=new\n")
    other = _observed(Shell(), declared, mounted=files[2:])
    assert other.same_files == {files[0]: False, files[2]: False}
    assert "s3cr3t" not in other.model_dump_json()
    assert content_digest(OLD) not in str(other.same_files)


def test_a_file_that_was_copied_later(tmp_path: Path) -> None:
    """As with `docker cp`."""
    later = _file(tmp_path, "later", CREATED.timestamp() // 1 + 600)
    assert _observed(Shell(), {later: b"new"}).same_files == {}


def test_where_nothing_can_be_read(files: tuple[str, str, str]) -> None:
    shell = Shell()
    assert _observed(shell, {files[0]: OLD}, state="exited").same_files == {}
    assert _observed(shell, {}).same_files == {}
    assert shell.execs == 0
    shell.environment = {"PATH": "/none"}
    assert _observed(shell, {files[0]: b"new"}).same_files == {}
