"""pytest plugin of the benchmarks: records how long each phase of a run takes.

For `-p benchmarks.phases`, with the moment at which the process was started in `PHASES_BEGAN` and
the file to write in `PHASES_FILE`. A phase lasts from its start to its end, a probe from the
start of its first target to the end of its last: they run concurrently.
"""

import functools
import json
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

PHASES = ("import", "collect", "gather", "checks", "reports")
PROBES = {
    "connect": "connection",
    "list": "engine",
    "machine": "machine",
    "host": "host",
    "containers": "inspection",
    "images": "tagged_image",
    "networks": "networks",
    "usage": "cgroups",
    "commands": "executed",
    "logs": "log_entries",
    "requests": "response",
    "TLS": "handshake",
}
"""By label, the name of a probe."""

_at = {"began": float(os.environ.get("PHASES_BEGAN", time.time()))}
_spans: dict[str, tuple[float, float]] = {}
_lock = Lock()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """Record that all plugins are imported, and time the probes."""
    _at["imported"] = time.time()
    from stackproof.fixtures.session.facts import store
    from stackproof.probes import declaration
    from stackproof.probes.gather import gather

    for label, name in PROBES.items():
        probe = declaration.PROBES[name]
        # A declaration cannot be changed, except like this.
        object.__setattr__(probe, "observe", _timed(probe.observe, label))
    vars(store)["gather"] = _timed(gather, "gather")


def pytest_collection_finish() -> None:
    """Record that the checks are collected."""
    _at["collected"] = time.time()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """Record that all checks have run."""
    result = yield
    _at["checked"] = time.time()
    return result


def pytest_unconfigure() -> None:
    """Write how many seconds each phase and each probe took."""
    spans = {kind: end - start for kind, (start, end) in _spans.items()}
    gather = spans.get("gather", 0)
    spans |= {
        "import": _at["imported"] - _at["began"],
        "collect": _at["collected"] - _at["imported"],
        "checks": _at["checked"] - _at["collected"] - gather,
        "reports": time.time() - _at["checked"],
    }
    Path(os.environ["PHASES_FILE"]).write_text(json.dumps(spans), encoding="utf-8")


def _timed(function: Callable[..., Any], label: str) -> Callable[..., Any]:
    """Return a function that records when it ran."""

    @functools.wraps(function)
    def timed(*args: Any, **more: Any) -> Any:
        began = time.time()
        try:
            return function(*args, **more)
        finally:
            with _lock:
                first, _ = _spans.get(label, (began, began))
                _spans[label] = first, time.time()

    return timed
