"""A run ends with one line if the host of a worker is unreachable, whenever ssh ends."""

import os
from types import SimpleNamespace
from typing import Any

import pytest

from stackproof.fixtures.session import workers
from stackproof.outcome import EXIT_UNKNOWN

FAR = "ssh=nobody@127.0.0.1 -p 1//id=far//python=python3"


def _start(error: Exception, *tx: str) -> None:
    """Let xdist fail when it starts the workers that `--tx` asks for."""
    session: Any = SimpleNamespace(config=SimpleNamespace(getoption=lambda *_: list(tx)))
    starting = workers.pytest_sessionstart(session)
    next(starting)
    starting.throw(error)


def _broken_pipe() -> BrokenPipeError:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as pipe, pytest.raises(BrokenPipeError) as raised:
        pipe.write(b"import execnet\n")
    return raised.value


def test_ssh_ends_while_it_is_still_sent_to() -> None:
    with pytest.raises(pytest.exit.Exception) as raised:
        _start(_broken_pipe(), FAR, "popen//id=here")
    assert raised.value.msg == (
        "could not be evaluated: host unreachable over ssh: nobody@127.0.0.1 -p 1"
    )
    assert raised.value.returncode == EXIT_UNKNOWN


def test_other_pipes_that_break() -> None:
    with pytest.raises(BrokenPipeError):
        _start(_broken_pipe(), "popen//id=here")
