"""pytest plugin: collects what the checks came to, decides, and writes `verdict.json`."""

import os
from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import pytest

from reports.classification import check_result
from reports.outcome import EXIT_GO, EXIT_INTERRUPTED, EXIT_NO_GO, EXIT_UNKNOWN, exit_code
from reports.verdict import CheckResult, Verdict, Waited, judge

_FILE_NAME = "verdict.json"


@dataclass(frozen=True)
class Written:
    """A verdict, and what became of its file."""

    verdict: Verdict
    path: Path
    error: str
    """Why the file could not be written; empty where it was."""


WRITTEN = pytest.StashKey[list[Written]]()
"""The verdicts of the run, on the session's config, once the session has finished."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--output`."""
    parser.getgroup("stackproof").addoption(
        "--output",
        dest="output_directory",
        metavar="DIR",
        help="write DIR/<environment>/verdict.json (default: reports/out)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect in the process that hears of every check: not in an xdist worker."""
    # Whole from here on, for whatever else is written below it.
    config.option.output_directory = str(
        config.invocation_params.dir / config.option.output_directory
        if config.option.output_directory
        else config.rootpath / "reports" / "out"
    )
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(config), "stackproof-recorder")


class _Recorder:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._started = datetime.now(UTC)
        self._clock = perf_counter()
        self._results: dict[str, CheckResult] = {}
        self._environments: dict[str, str] = {}
        self._durations: defaultdict[str, float] = defaultdict(float)
        self._waited: dict[str, Waited] = {}
        self._ran_to_its_end = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        result = yield
        self._ran_to_its_end = True
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._durations[report.nodeid] += report.duration
        properties = dict(report.user_properties)
        environment = str(properties.get("environment", ""))
        self._environments[report.nodeid] = environment
        if waited := properties.get("waited"):
            self._waited[environment] = Waited.model_validate_json(str(waited))
        result = check_result(report)
        if result is not None:
            before = self._results.get(report.nodeid, result)
            self._results[report.nodeid] = max(before, result, key=lambda each: each.outcome.weight)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        written = [self._write(verdict) for verdict in self._verdicts(session)]
        self._config.stash[WRITTEN] = written
        code = self._exit_code(int(session.exitstatus))
        if code == EXIT_GO and any(each.error for each in written):
            # Who reads the file would take an older verdict for this one.
            code = EXIT_UNKNOWN
        session.exitstatus = code

    def _exit_code(self, pytests: int) -> int:
        if pytests == EXIT_GO and not self._ran_to_its_end:
            # A second Ctrl-C, while pytest was dealing with the first, leaves it at that.
            return EXIT_INTERRUPTED
        if not self._results or pytests not in (EXIT_GO, EXIT_NO_GO):
            return pytests
        code = exit_code(result.outcome for result in self._results.values())
        # pytest says that something failed, and no check did: it was something else.
        return EXIT_UNKNOWN if code == EXIT_GO and pytests == EXIT_NO_GO else code

    def _verdicts(self, session: pytest.Session) -> list[Verdict]:
        by_environment: dict[str, list[CheckResult]] = {}
        code = self._exit_code(int(session.exitstatus))
        if code == EXIT_INTERRUPTED:
            by_environment = {name: [] for name in _selected_environments(session.items)}
        for nodeid, result in self._results.items():
            timed = result.model_copy(update={"duration_s": round(self._durations[nodeid], 3)})
            by_environment.setdefault(self._environments[nodeid], []).append(timed)
        # A check that was lost with its worker names no environment. It counts against each one.
        lost = by_environment.pop("", [])
        return [
            judge(
                environment,
                [*checks, *lost],
                gate=self._config.getoption("gate", None),
                session_code=code,
                started=self._started,
                duration_s=perf_counter() - self._clock,
                waited=self._waited.get(environment),
            )
            for environment, checks in by_environment.items()
        ]

    def _write(self, verdict: Verdict) -> Written:
        folder = Path(self._config.option.output_directory) / verdict.environment
        if self._config.getoption("facts", None):
            # What was true when the snapshot was taken is no verdict on the stack of now.
            folder /= "replay"
        path = folder / _FILE_NAME
        temporary = path.with_name(f"{_FILE_NAME}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(verdict.model_dump_json(indent=2) + "\n", encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            return Written(verdict, path, error.strerror or str(error))
        return Written(verdict, path, "")


def _selected_environments(items: Sequence[pytest.Item]) -> list[str]:
    named = (dict(item.user_properties).get("environment") for item in items)
    return list(dict.fromkeys(str(name) for name in named if name))
