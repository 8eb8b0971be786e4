"""pytest plugin of the benchmarks: where the time of a run goes.

For `-p benchmarks.phases`, with the moment at which the process was started in `PHASES_BEGAN` and
the file to write in `PHASES_FILE`. A phase lasts from its start to its end, a kind of look from the
start of the first to the end of the last: they are made side by side.
"""

import functools
import json
import os
import time
from collections.abc import Generator
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

PHASES = ("import", "collect", "gather", "checks", "reports")
OF_ENGINE = {
    "connect and list": "engine",
    "machine": "machine",
    "host": "host",
    "containers": "container",
    "images": "image",
    "networks": "networks",
    "usage": "cgroups",
    "commands": "run",
    "logs": "alarms",
}
"""By the kind of look, the method of `Reached` that makes one."""
OTHERS = {"requests": ("fixtures.routes", "Client"), "TLS": ("fixtures.tls", "TlsClient")}
"""By the kind of look, the class whose method `look` makes one."""

_at = {"began": float(os.environ.get("PHASES_BEGAN", time.time()))}
_looks: dict[str, tuple[float, float]] = {}
_lock = Lock()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """All plugins are imported by now."""
    _at["imported"] = time.time()
    from fixtures import snapshot
    from fixtures.reached import Reached

    for kind, method in OF_ENGINE.items():
        _time(Reached, method, kind)
    _time(snapshot, "gather", "gather")


def pytest_collection_finish() -> None:
    """What is looked at is known by now."""
    _at["collected"] = time.time()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """All checks have run after it."""
    result = yield
    _at["checked"] = time.time()
    return result


def pytest_unconfigure() -> None:
    """Write how many seconds each phase and each kind of look took."""
    spans = {kind: end - start for kind, (start, end) in _looks.items()}
    gather = spans.get("gather", 0)
    spans |= {
        "import": _at["imported"] - _at["began"],
        "collect": _at["collected"] - _at["imported"],
        "checks": _at["checked"] - _at["collected"] - gather,
        "reports": time.time() - _at["checked"],
    }
    Path(os.environ["PHASES_FILE"]).write_text(json.dumps(spans), encoding="utf-8")


def _time(owner: Any, name: str, kind: str) -> None:
    """Have a function of a class or a module timed."""
    look = getattr(owner, name)

    @functools.wraps(look)
    def timed(*given: Any, **named: Any) -> Any:
        if kind == "gather":
            _time_others()
        began = time.time()
        try:
            return look(*given, **named)
        finally:
            with _lock:
                first, _ = _looks.get(kind, (began, began))
                _looks[kind] = first, time.time()

    setattr(owner, name, staticmethod(timed) if hasattr(look, "__self__") else timed)


def _time_others() -> None:
    for kind, (module, owner) in OTHERS.items():
        _time(getattr(__import__(module, fromlist=[owner]), owner), "look", kind)
