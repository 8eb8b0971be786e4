"""A server with sshd, and the engine settings to connect to it."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from stackproof.engine.ssh import link
from stackproof.environment.machine import Engine
from tests.engine.fake_engine import Answer, FakeEngine, fake_engine, of_json
from tests.sshd import Sshd, await_removal, serving_ssh

Serving = Callable[..., AbstractContextManager[Sshd]]


def engine(sshd: Sshd, **changes: Any) -> Engine:
    return Engine.model_validate(
        {"address": sshd.address, "key": sshd.key, "host_key": sshd.host_key, **changes}
    )


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the connections' directories, which must be empty afterwards."""
    # Not in pytest's folder: a socket's path must be short.
    with TemporaryDirectory() as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)
        link.close_all()
        assert not list(Path(folder).iterdir())


@pytest.fixture
def serving(tmp_path: Path, private: Path) -> Serving:
    """Starts an sshd, given options of sshd_config."""

    @contextmanager
    def start(**options: str) -> Iterator[Sshd]:
        folder = tmp_path / "sshd"
        folder.mkdir()
        with serving_ssh(folder, **options) as sshd:
            yield sshd
            link.close_all()
            for pid in sshd.processes()[1:]:
                await_removal(Path(f"/proc/{pid}"))

    return start


@pytest.fixture
def sshd(serving: Serving) -> Iterator[Sshd]:
    """An sshd with Debian's usual settings."""
    with serving() as started:
        yield started


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's ssh settings, instead of those of the user who runs the tests."""
    file = tmp_path / "ssh_config"
    file.write_text(f"UserKnownHostsFile {tmp_path / 'known_hosts'}\nGlobalKnownHostsFile none\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    wrapper = programs / "ssh"
    wrapper.write_text(f'#!/bin/sh\nPATH={os.environ["PATH"]} exec ssh -F {file} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return file


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """An engine on the server, whose name is `far`."""

    def respond(_: str) -> Answer:
        return of_json({"Name": "far"}, **{"Api-Version": "1.41"})

    with TemporaryDirectory() as folder, fake_engine(Path(folder), respond) as engine:
        monkeypatch.setattr(link, "ENGINE_SOCKET", str(engine.path))
        yield engine
