"""pytest plugin, loaded first: what holds for a run from its start to its exit code.

The exit code is the verdict: 0 and 1 are returned only where this run delivered a verdict of go or
no-go. See docs/adr/0009-exit-codes.md.
"""

import errno
import os
import signal
import sys
from collections.abc import Generator
from contextlib import suppress
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest
from pluggy import HookImpl

from stackproof import resources, run_state, streams
from stackproof.exit_codes import (
    EXIT_GO,
    EXIT_INTERNAL_ERROR,
    EXIT_INTERRUPTED,
    EXIT_NO_GO,
    EXIT_UNKNOWN,
    EXIT_USAGE,
)
from stackproof.printable import one_line
from stackproof.secrets import redact

resources.exit_unless_enough_to_start()

_ROOMS = ("fixtures.plugins", "reports.plugins")

_LISTINGS = {
    "help": ("--help", "-h"),
    "version": ("-VV", "-V", "--version"),
    "collectonly": ("--collect-only", "--collectonly", "--co"),
    "markers": ("--markers",),
    "showfixtures": ("--fixtures", "--funcargs"),
    "show_fixtures_per_test": ("--fixtures-per-test",),
    "setupplan": ("--setup-plan", "--setupplan"),
    "setuponly": ("--setup-only", "--setuponly"),
    "cacheshow": ("--cache-show",),
    "looponfail": ("-f", "--looponfail"),
}
"""The options with which pytest runs no check, and how each is written."""
_HARMLESS = {"help", "version", "collectonly"}
"""Those that may stand on a command line beside an environment."""
_NEEDED = ("terminal", "skipping", "python", "stackproof", "fixtures", "reports")
"""The plugins without which a verdict would be wrong, or could not be shown."""
_ONLY_FASTER = "fixtures.short_protocol"
"""Runs without it have the same verdict."""
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class _Process:
    """What is known where a hook, or Python itself, passes on an exception and nothing else."""

    code = EXIT_INTERNAL_ERROR
    """The exit code if an exception leaves pytest. Python would make it 1."""
    interrupted = EXIT_INTERRUPTED
    """The exit code of an interrupted run: of Ctrl-C, or of the signal that ended it."""
    full_trace = False


def _report_uncaught(kind: type[BaseException], error: BaseException, _: object) -> None:
    if issubclass(kind, KeyboardInterrupt):
        _Process.code = _Process.interrupted
    else:
        _print(f"ERROR: {_described(error)}")
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(_Process.code)


# Before anything is captured: pytest keeps the streams that it finds.
streams.guard()
sys.excepthook = _report_uncaught


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Load the rooms, and collect the suites wherever in the project pytest was started."""
    # After what is installed beside us: testinfra, too, has a fixture named `host`.
    for room in _ROOMS:
        early_config.pluginmanager.import_plugin(room)
    given = early_config.known_args_namespace
    if not given.file_or_dir and early_config.invocation_params.dir != early_config.rootpath:
        given.file_or_dir = _suites(early_config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Return the exit code that the verdicts of this run call for.

    Raises:
        pytest.UsageError: nothing would be verified with these options (exit code 4).
    """
    if config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR:
        config.args = _suites(config)
    if hasattr(config, "workerinput"):
        return (yield)
    _refuse_what_verifies_nothing(config)
    _Process.full_trace = config.option.fulltrace
    code = EXIT_INTERNAL_ERROR
    try:
        result = yield
        code = int(result) if isinstance(result, int) else EXIT_GO
    except pytest.UsageError as error:
        if (refusal := run_state.of(config).refusal_code) == EXIT_USAGE:
            raise pytest.UsageError(*(one_line(str(text)) for text in error.args)) from None
        _print(f"ERROR: {error}")
        return refusal
    except KeyboardInterrupt:
        return _Process.interrupted
    except pytest.exit.Exception as error:
        return error.returncode or EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, the verdict stands
        _print(f"ERROR: {_described(error)}")
    _Process.code = _exit_code(config, code)
    return _Process.code


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make an error of each warning.

    Not in pyproject.toml: before any plugin is loaded, `python -O` would end with exit code 1.
    """
    config.addinivalue_line("filterwarnings", "error")
    # The Docker SDK leaves its socket unclosed where it cannot connect, and urllib3 warns of an
    # engine whose certificate is not verified, as DOCKER_TLS asks.
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")
    config.addinivalue_line("filterwarnings", "ignore:Unverified HTTPS request")


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Generator[None, object, object]:
    """End in order where the system asks for it, as with Ctrl-C."""
    config = session.config
    if hasattr(config, "workerinput"):
        run_state.send(config)
    else:
        for number in _SIGNALS:
            with suppress(ValueError):  # not the main thread
                if signal.getsignal(number) is signal.SIG_DFL:  # nohup has SIGHUP ignored
                    signal.signal(number, _end)
                    config.add_cleanup(partial(_restore, number))
    return (yield)


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Have no output keep the others, or the verdict, from being written."""
    config = session.config
    if session.exitstatus == EXIT_INTERRUPTED:
        session.exitstatus = _Process.interrupted
    for each in config.hook.pytest_sessionfinish.get_hookimpls():
        if not (each.wrapper or each.hookwrapper):
            _guard_output(config, each)
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of xdist could not write."""
    run_state.receive(node.config, getattr(node, "workeroutput", {}))


@pytest.hookimpl(tryfirst=True)
def pytest_internalerror(excrepr: Any, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Say what broke in one line; with `--full-trace`, pytest prints it whole."""
    line = _described(excinfo.value)
    if not _Process.full_trace:
        vars(excrepr)["toterminal"] = lambda writer: writer.line(line)


def _suites(config: pytest.Config) -> list[str]:
    return [str(config.rootpath / folder) for folder in config.getini("testpaths")]


def _refuse_what_verifies_nothing(config: pytest.Config) -> None:
    if sys.flags.optimize:
        raise pytest.UsageError(
            "assertions are disabled (PYTHONOPTIMIZE or python -O), so that no check could fail"
        )
    for given in config.option.plugins:
        plugin = given.strip().removeprefix("no:")
        if plugin in (given.strip(), _ONLY_FASTER):
            continue
        if plugin.split(".")[0] in _NEEDED:
            raise pytest.UsageError(f"-p no:{plugin}: no verdict can be given without this plugin")
    gate = config.getoption("gate", None)
    for option, written in _LISTINGS.items():
        if not config.getoption(option, None) or (
            option == "version" and config.option.version < 2  # pytest ignores it
        ):
            continue
        if not set(written) & set(config.invocation_params.args):
            raise pytest.UsageError(
                f"{written[0]}, set in PYTEST_ADDOPTS or in the configuration, verifies nothing"
            )
        if gate or (config.option.markexpr and option not in _HARMLESS):
            raise pytest.UsageError(f"{written[0]} verifies nothing: leave it out")


def _exit_code(config: pytest.Config, code: int) -> int:
    """Return the code of the verdicts that were delivered, where pytest's own says no more."""
    failure = streams.failure(sys.stdout)
    if failure and failure not in (streams.CLOSED, os.strerror(errno.EPIPE)):
        _print(f"cannot write to standard output: {failure}")
    if code == EXIT_INTERRUPTED:
        return _Process.interrupted
    if code not in (EXIT_GO, EXIT_NO_GO, EXIT_INTERNAL_ERROR):
        return code
    if code == EXIT_GO and any(config.getoption(option, None) for option in _LISTINGS):
        return code
    verdicts = run_state.of(config).verdicts
    delivered = {
        name: each.exit_code
        for name, each in verdicts.items()
        if each.written or (each.printed and not failure)
    }
    selected = set(config.getoption("selected_environments", ()) or verdicts)
    if EXIT_NO_GO in delivered.values():
        return EXIT_NO_GO
    if delivered and selected <= delivered.keys():
        return EXIT_UNKNOWN if EXIT_UNKNOWN in delivered.values() else max(delivered.values())
    if code == EXIT_INTERNAL_ERROR:
        return code
    _print("ERROR: no verdict could be delivered: nothing is known")
    return EXIT_UNKNOWN


def _guard_output(config: pytest.Config, hook: HookImpl) -> None:
    """Have one plugin's failure at the end of a session noted instead of raised."""
    finish = hook.function

    @wraps(finish)
    def guarded(*arguments: object) -> object:
        try:
            return finish(*arguments)
        except Exception as error:  # noqa: BLE001 - JUnit and others raise what they like
            # JUnit's plugin has the name of its file, of which nothing usable is there.
            file = getattr(hook.plugin, "logfile", None)
            run_state.of(config).cannot_write(file or f"the output of {hook.plugin_name}", error)
            if file and Path(file).is_file() and not Path(file).is_symlink():
                with suppress(OSError):
                    Path(file).unlink()
            return None

    setattr(hook, "function", guarded)  # noqa: B010 - pluggy has no other way


class Stopped(KeyboardInterrupt):
    """The system asked the process to end. What lets Ctrl-C through lets this through."""


def _end(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_DFL)
    _Process.interrupted = 128 + number
    raise Stopped(f"by {signal.Signals(number).name}")


def _restore(number: int) -> None:
    with suppress(ValueError):
        signal.signal(number, signal.SIG_DFL)


def _described(error: BaseException) -> str:
    """Return an exception and the place in our code where it was raised, in one line."""
    place, root = "", Path(__file__).parents[1]
    entry = error.__traceback__
    while entry:
        path = Path(entry.tb_frame.f_code.co_filename)
        if path.parent.parent == root and path.suffix:
            place = f" ({path.relative_to(root)}:{entry.tb_lineno})"
        entry = entry.tb_next
    text = one_line(redact(str(error)))[:300]
    return f"internal error: {type(error).__name__}{': ' if text else ''}{text}{place}"


def _print(line: str) -> None:
    sys.stderr.write(f"{one_line(line)}\n")
