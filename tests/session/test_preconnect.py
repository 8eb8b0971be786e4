"""The engine is connected to while checks are collected, and only if they will need it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from tests.command_line import Ran
from tests.in_process import run

WAITS = """\
import pathlib, time
def pytest_collection():
    end = time.monotonic() + 20
    while not pathlib.Path({asked!r}).exists():
        assert time.monotonic() < end, "no connection while checks were collected"
        time.sleep(0.01)
"""


@contextmanager
def _engine(folder: Path) -> Iterator[str]:
    """Serve an engine that closes every connection, and creates a file when there was one."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "engine.sock"))
        server.listen()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()
                    (folder / "asked").touch()

        thread = Thread(target=serve)
        thread.start()
        yield f"unix://{folder}/engine.sock"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _run(folder: Path, *arguments: str, **variables: str) -> Ran:
    with _engine(folder) as address:
        text = f"engine: {{address: {address}}}\nservices: {{web: {{}}}}\n"
        (folder / "shop.yaml").write_text(text, encoding="utf-8")
        options = (f"--environments={folder}", f"--output={folder / 'out'}")
        return run(folder / "out", "-m", "shop", *options, *arguments, variables=variables)


def test_it_connects_before_checks_are_collected(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text(WAITS.format(asked=str(tmp_path / "asked")))
    ran = _run(tmp_path, "-p", "waits", "-k", "test_running", PYTHONPATH=str(tmp_path))
    assert ran.exit_code == 6, ran.output
    (result,) = ran.results("shop").values()
    assert result[1].startswith(f"could not be evaluated: engine unix://{tmp_path}/engine.sock: ")


@pytest.mark.parametrize(
    "arguments", [("--collect-only",), ("-m", "shop and synthetic"), ("-n1", "-k", "nothing")]
)
def test_no_connection_without_need(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    _run(tmp_path, *arguments)
    assert not (tmp_path / "asked").exists()
