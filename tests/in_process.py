"""Runs of the suites in the process of the tests: what `command_line.run` returns, in less time.

Use it wherever the process itself is not what is tested. It has no workers (`-n`), no deadline of
its own and no streams with a file descriptor; for those, use `command_line.run`.
"""

import gc
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import MappingProxyType
from unittest.mock import patch

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

from stackproof import secrets
from stackproof.cli.command_line import main
from tests.command_line import ROOT, Ran, clean_environment, outputs

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KEPT = (ROOT, Path(sys.prefix), Path(sys.base_prefix))
"""Where modules are that other tests use, too."""


def run(written: Path, *arguments: str, variables: Mapping[str, str] = MappingProxyType({})) -> Ran:
    """Run pytest as `command_line.run` does, in this process, and leave no trace in it."""
    with _new_process(ROOT, variables) as (output, errors):
        code = pytest.main([*outputs(written), *arguments])
    replayed = any(argument.startswith("--facts=") for argument in arguments)
    return Ran(int(code), _text(output), _text(errors), written, replayed)


def check(project: Path, *arguments: str) -> Ran:
    """Run `stackproof check` in the directory of a project, and forget its modules afterwards."""
    with _new_process(project, {"PYTHONPATH": str(project)}) as (output, errors):
        code = main(["check", *arguments])
    return Ran(code, _text(output), _text(errors), project / "reports" / "out", replayed=True)


@contextmanager
def _new_process(
    directory: Path, variables: Mapping[str, str]
) -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    output, errors = _stream(), _stream()
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, clean_environment(variables), clear=True))
        stack.enter_context(chdir(directory))
        stack.enter_context(_interpreter_state())
        stack.enter_context(_import_path(variables.get("PYTHONPATH")))
        stack.enter_context(_no_new_modules())
        stack.enter_context(_no_known_secrets())
        stack.enter_context(redirect_stdout(output))
        stack.enter_context(redirect_stderr(errors))
        yield output, errors


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


@contextmanager
def _interpreter_state() -> Iterator[None]:
    """Give a run what a new process has, and restore what it changes in this one."""
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    collecting = gc.isenabled()
    # The suites run with plain asserts. The hook of the tests' own pytest would rewrite them.
    finders = [each for each in sys.meta_path if not isinstance(each, AssertionRewritingHook)]
    rewritten = [
        name
        for name, module in sys.modules.items()
        if name.startswith("suites.") and isinstance(module.__loader__, AssertionRewritingHook)
    ]
    assert not rewritten, f"import stackproof.suites instead of suites: {rewritten}"
    with (
        patch.object(sys, "path", sys.path[:]),
        patch.object(sys, "meta_path", finders),
        warnings.catch_warnings(action="ignore"),
    ):
        try:
            yield
        finally:
            for number, handler in handlers.items():
                if signal.getsignal(number) is not handler:
                    signal.signal(number, handler)
            sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
            gc.unfreeze()  # a run freezes all that there is, which would never be freed
            if collecting:
                gc.enable()
            else:
                gc.disable()


@contextmanager
def _import_path(folder: str | None) -> Iterator[None]:
    """Make the plugins in a directory importable."""
    if folder is None:
        yield
        return
    sys.path.insert(0, folder)
    yield


@contextmanager
def _no_new_modules() -> Iterator[None]:
    """Forget the modules that a run imports from other places than the project and its packages."""
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in sys.modules.keys() - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and not any(Path(file).is_relative_to(each) for each in _KEPT):
                del sys.modules[name]


@contextmanager
def _no_known_secrets() -> Iterator[None]:
    """Have a run know only the secrets of its own variables and files."""
    with patch.object(secrets, "_known", set()), patch.object(secrets, "_declared", set()):
        yield
