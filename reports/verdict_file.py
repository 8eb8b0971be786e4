"""pytest plugin: writes the verdict on each environment to its `verdict.json`."""

from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest

from stackproof.files import atomic_write
from stackproof.outcome import EXIT_USAGE
from stackproof.printable import error_line
from stackproof.process import run_state
from stackproof.process.run_state import Delivery
from stackproof.reports.recorder import VERDICT_CODES, Recorder
from stackproof.reports.verdict import Verdict

_FILE_NAME = "verdict.json"
_WRITER = "stackproof-verdict-writer"


class WrittenVerdict(NamedTuple):
    """A verdict, and whether its file was written."""

    verdict: Verdict
    path: Path
    error: str
    """Why the file could not be written; empty if it was."""


WRITTEN = pytest.StashKey[list[WrittenVerdict]]()
"""The verdicts of the run, in the stash of the config once the session has finished."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--output`."""
    parser.getgroup("stackproof").addoption(
        "--output",
        dest="output_directory",
        metavar="DIR",
        help="write DIR/<environment>/verdict.json (default: reports/out)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Set the id and the output directory of the run, and start to record it."""
    # The run, its snapshots and its workers share one id. It is not read from xdist's environment
    # variable, which the processes that a worker starts inherit. Without xdist there is no option.
    of_worker = getattr(config, "workerinput", {}).get("testrunuid")
    given = config.getoption("testrunuid", None)
    config.option.testrunuid = of_worker or given or uuid4().hex
    # Absolute from here on, for all that is written to it.
    config.option.output_directory = str(
        config.invocation_params.dir / config.option.output_directory
        if config.option.output_directory
        else config.rootpath / "reports" / "out"
    )
    if not hasattr(config, "workerinput"):
        recorder = Recorder(config)
        config.pluginmanager.register(recorder, "stackproof-recorder")
        config.pluginmanager.register(_Writer(config, recorder), _WRITER)


# After the run lock is taken and before facts are gathered: a run that is killed leaves no verdict.
def pytest_sessionstart(session: pytest.Session) -> None:
    """Remove the verdicts of an earlier run."""
    if writer := session.config.pluginmanager.get_plugin(_WRITER):
        writer.remove_earlier()


class _Writer:
    def __init__(self, config: pytest.Config, recorder: Recorder) -> None:
        self._config = config
        self._recorder = recorder

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except pytest.UsageError:
            # If another run holds the lock, its verdict stands.
            if run_state.of(self._config).refusal_code == EXIT_USAGE:
                self.remove_earlier()
            raise

    def remove_earlier(self) -> None:
        """Remove what an earlier run reported on the selected environments."""
        if self._config.option.collectonly:
            return
        names = self._config.getoption("selected_environments", None) or ()
        paths = [self._path(name) for name in names]
        # A symbolic link may lead to something that is not a report, such as /dev/stdout.
        junit = self._config.getoption("xmlpath", None)
        if junit and not Path(junit).is_symlink():
            paths.append(Path(junit))
        for path in paths:
            try:
                if path.is_file():
                    path.unlink()
            except OSError as error:
                run_state.of(self._config).cannot_write(path, error, "remove")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        verdicts = self._recorder.verdicts(session)
        self._config.stash[WRITTEN] = [self._write(verdict) for verdict in verdicts]
        codes = {verdict.exit_code for verdict in verdicts}
        decided = [code for code in VERDICT_CODES if code in codes]
        session_code = int(session.exitstatus)
        session.exitstatus = decided[0] if decided else self._recorder.exit_code(session_code)

    def _path(self, environment: str) -> Path:
        folder = Path(self._config.option.output_directory) / environment
        if self._config.getoption("facts", None):
            # A replay says nothing about the stack as it is now.
            folder /= "replay"
        return folder / _FILE_NAME

    def _write(self, verdict: Verdict) -> WrittenVerdict:
        path, error = self._path(verdict.environment), ""
        try:
            atomic_write.write(verdict.model_dump_json(indent=2) + "\n", path)
        except OSError as failure:
            error = error_line(failure)
        run_state.of(self._config).verdicts[verdict.environment] = Delivery(
            verdict.exit_code, written=not error
        )
        return WrittenVerdict(verdict, path, error)
