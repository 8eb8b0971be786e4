"""pytest plugin, loaded first: signals, standard streams and the exit code of a run.

The exit code is the verdict: 0 and 1 are returned only if this run delivered a verdict of go or
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

from stackproof.outcome import (
    EXIT_GO,
    EXIT_INTERNAL_ERROR,
    EXIT_INTERRUPTED,
    EXIT_NO_GO,
    EXIT_UNKNOWN,
    EXIT_USAGE,
)
from stackproof.printable import one_line
from stackproof.process import logs, option_names, plugin_loading, resources, run_state, streams
from stackproof.process.tracebacks import last_line_in
from stackproof.secrets import redact

resources.exit_unless_enough_to_start()

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
"""The options with which pytest runs no check, and their spellings."""
_HARMLESS = {"help", "version", "collectonly"}
"""The options of these that a command line may combine with an environment."""
_NEEDED = ("terminal", "skipping", "python", "stackproof")
"""The plugins that are needed to reach a verdict and to print it."""
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class _Process:
    """State that is needed where only an exception is passed, and no config."""

    code = EXIT_INTERNAL_ERROR
    """The exit code if an exception leaves pytest. Python would make it 1."""
    interrupted = EXIT_INTERRUPTED
    """The exit code of an interrupted run: of Ctrl-C, or of the signal that ended it."""
    full_trace = False


def _report_uncaught(kind: type[BaseException], error: BaseException, _: object) -> None:
    if issubclass(kind, KeyboardInterrupt):
        _Process.code = _Process.interrupted
    else:
        _print(f"ERROR: {_describe(error)}")
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(_Process.code)


# Before anything is captured: pytest keeps the streams that it finds.
streams.guard()
sys.excepthook = _report_uncaught


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load the plugin that must know all options."""
    pluginmanager.register(option_names)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> None:
    """Load the plugins, and find the suites from any directory of the project."""
    plugin_loading.load(early_config, args)
    from stackproof.fixtures.own_suites import suite_folders

    suite_folders.limit_conftests(early_config, parser.parse_known_args(args).suites)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Return the exit code that the verdicts of this run call for.

    Raises:
        pytest.UsageError: nothing would be verified with these options (exit code 4).
    """
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
    except Exception as error:  # noqa: BLE001 - the verdict stands, whatever the error is
        _print(f"ERROR: {_describe(error)}")
    _Process.code = _exit_code(config, code)
    return _Process.code


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Redact what libraries log."""
    config.add_cleanup(logs.redact_records())


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Generator[None, object, object]:
    """On SIGTERM and SIGHUP, end the run as Ctrl-C does."""
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
    """If one output cannot be written, write the others and the verdict all the same."""
    config = session.config
    if session.exitstatus == EXIT_INTERRUPTED:
        session.exitstatus = _Process.interrupted
    for each in config.hook.pytest_sessionfinish.get_hookimpls():
        if not (each.wrapper or each.hookwrapper):
            _guard_output(config, each)
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Note the failures to write of an xdist worker."""
    run_state.receive(node.config, getattr(node, "workeroutput", {}))


@pytest.hookimpl(tryfirst=True)
def pytest_internalerror(excrepr: Any, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Report an internal error in one line; with `--full-trace`, pytest prints the traceback."""
    line = _describe(excinfo.value)
    if not _Process.full_trace:
        vars(excrepr)["toterminal"] = lambda writer: writer.line(line)


def _refuse_what_verifies_nothing(config: pytest.Config) -> None:
    if sys.flags.optimize:
        raise pytest.UsageError(
            "assertions are disabled (PYTHONOPTIMIZE or python -O), so that no check could fail"
        )
    for given in config.option.plugins:
        plugin = given.strip().removeprefix("no:")
        if plugin == given.strip():
            continue
        if plugin.split(".")[0] in _NEEDED:
            raise pytest.UsageError(f"-p no:{plugin}: no verdict can be given without this plugin")
    gate = config.getoption("gate", None)
    for option, written in _LISTINGS.items():
        if not config.getoption(option, None) or (
            option == "version" and config.option.version < 2  # pytest ignores it
        ):
            continue
        given = {argument.partition("=")[0] for argument in config.invocation_params.args}
        if not given.intersection(written):
            raise pytest.UsageError(
                f"{written[0]}, set in PYTEST_ADDOPTS or in the configuration, verifies nothing"
            )
        if gate or (config.option.markexpr and option not in _HARMLESS):
            raise pytest.UsageError(f"{written[0]} verifies nothing: leave it out")


def _exit_code(config: pytest.Config, code: int) -> int:
    """Return the exit code of the verdicts, or pytest's own if that is more specific."""
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
    """Note the failure of a plugin at the end of a session instead of raising it."""
    finish = hook.function

    @wraps(finish)
    def guarded(*arguments: object) -> object:
        try:
            return finish(*arguments)
        except Exception as error:  # noqa: BLE001 - other plugins raise anything
            # JUnit's plugin has the name of its file, which may be incomplete.
            file = getattr(hook.plugin, "logfile", None)
            run_state.of(config).cannot_write(file or f"the output of {hook.plugin_name}", error)
            if file and Path(file).is_file() and not Path(file).is_symlink():
                with suppress(OSError):
                    Path(file).unlink()
            return None

    setattr(hook, "function", guarded)  # noqa: B010 - pluggy has no other way


class Stopped(KeyboardInterrupt):
    """A signal that ends the process. Code that handles Ctrl-C handles it, too."""


def _end(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_DFL)
    _Process.interrupted = 128 + number
    raise Stopped(f"by {signal.Signals(number).name}")


def _restore(number: int) -> None:
    with suppress(ValueError):
        signal.signal(number, signal.SIG_DFL)


def _describe(error: BaseException) -> str:
    """Return one line: the exception, and where in our code it was raised."""
    place, package = "", Path(__file__).parent
    if found := last_line_in(package, error):
        path, number = found
        place = f" ({path.relative_to(package.parent)}:{number})"
    text = one_line(redact(str(error)))[:300]
    return f"internal error: {type(error).__name__}{': ' if text else ''}{text}{place}"


def _print(line: str) -> None:
    sys.stderr.write(f"{one_line(line)}\n")
