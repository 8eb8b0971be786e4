"""pytest plugin: collects what the checks came to, decides, and writes `verdict.json`."""

import shlex
from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import pytest

from reports.classification import check_result, missing
from reports.outcome import exit_code
from reports.verdict import WAITED, CheckResult, Verdict, Waited, judge
from stackproof import atomic_write, run_state
from stackproof.exit_codes import (
    EXIT_GO,
    EXIT_INTERNAL_ERROR,
    EXIT_INTERRUPTED,
    EXIT_NO_GO,
    EXIT_NOTHING_SELECTED,
    EXIT_UNKNOWN,
    EXIT_USAGE,
    is_interruption,
)
from stackproof.run_state import Delivery
from stackproof.secrets import redact

_FILE_NAME = "verdict.json"
_RECORDER = "stackproof-recorder"
_OURS = (EXIT_GO, EXIT_NO_GO, EXIT_UNKNOWN)


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
    # One name of the run for its snapshots, its verdicts and all its workers. Not from xdist's
    # variable: processes that a worker starts inherit it. Without xdist there is no such option.
    of_worker = getattr(config, "workerinput", {}).get("testrunuid")
    given = config.getoption("testrunuid", None)
    config.option.testrunuid = of_worker or given or uuid4().hex
    # Whole from here on, for whatever else is written below it.
    config.option.output_directory = str(
        config.invocation_params.dir / config.option.output_directory
        if config.option.output_directory
        else config.rootpath / "reports" / "out"
    )
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(config), _RECORDER)


# Once the lock is held, and before anything is gathered: a run that is killed leaves no verdict.
def pytest_sessionstart(session: pytest.Session) -> None:
    """Remove the verdicts of an earlier run."""
    recorder = session.config.pluginmanager.get_plugin(_RECORDER)
    if recorder:
        recorder.remove_older()


class _Recorder:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._started = datetime.now(UTC)
        self._clock = perf_counter()
        self._results: dict[str, CheckResult] = {}
        self._environments: dict[str, str] = {}
        self._durations: defaultdict[str, float] = defaultdict(float)
        self._selected: dict[str, int] = {}
        self._warnings: defaultdict[str, list[str]] = defaultdict(list)
        self._required: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
        self._waited: dict[str, Waited] = {}
        self._engines: dict[str, str] = {}
        self._ran_to_its_end = False
        self._lost_worker = False

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except pytest.UsageError:
            # Where it is another run that holds the lock, its verdict stands.
            if run_state.of(self._config).refusal_code == EXIT_USAGE:
                self.remove_older()
            raise

    def remove_older(self) -> None:
        """Remove what an earlier run said of the environments that this one is to verify."""
        if self._config.option.collectonly:
            return
        older = [
            self._path(name) for name in self._config.getoption("selected_environments", None) or ()
        ]
        # A link may lead to what is no report, as /dev/stdout does.
        junit = self._config.getoption("xmlpath", None)
        if junit and not Path(junit).is_symlink():
            older.append(Path(junit))
        for path in older:
            try:
                if path.is_file():
                    path.unlink()
            except OSError as error:
                run_state.of(self._config).cannot_write(path, error, "remove")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        result = yield
        self._ran_to_its_end = True
        return result

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._select(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self._select(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, error: object) -> None:
        self._lost_worker |= bool(error)

    def _select(self, ids: Iterable[str]) -> None:
        self._selected |= {nodeid: number for number, nodeid in enumerate(ids)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._durations[report.nodeid] += report.duration
        properties = dict(report.user_properties)
        environment = str(properties.get("environment", ""))
        self._environments[report.nodeid] = environment
        of_environment = vars(report).get("of_environment", {})
        self._warnings[environment] += of_environment.get("warnings", [])
        self._required[environment] += of_environment.get("required", [])
        if engine := properties.get("engine"):
            self._engines[environment] = redact(str(engine))
        if waited := properties.get(WAITED):
            self._waited[environment] = Waited.model_validate_json(str(waited))
        result = check_result(report)
        if result is not None:
            before = self._results.get(report.nodeid, result)
            self._results[report.nodeid] = max(before, result, key=lambda each: each.outcome.weight)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        pytests = int(session.exitstatus)
        self._miss(session)
        written = [self._write(verdict) for verdict in self._verdicts(session, pytests)]
        self._config.stash[WRITTEN] = written
        codes = {each.verdict.exit_code for each in written}
        ours = [code for code in (EXIT_NO_GO, EXIT_UNKNOWN, EXIT_GO) if code in codes]
        session.exitstatus = ours[0] if ours else self._exit_code(pytests)

    def _miss(self, session: pytest.Session) -> None:
        """Make UNKNOWN of what must have run and did not: it verified nothing."""
        if self._exit_code(int(session.exitstatus)) not in _OURS or not self._results:
            return
        ran = {(self._environments[nodeid], each.id) for nodeid, each in self._results.items()}
        stopped = session.shouldfail or session.shouldstop
        if not stopped:
            for nodeid in self._selected - self._durations.keys():
                self._results[nodeid] = missing({"id": nodeid}, "nothing was heard of it")
                self._environments[nodeid] = ""
        for environment, checks in self._required.items():
            for told in checks:
                result = missing(told, "a gate needs it, and it did not run")
                if (environment, result.id) not in ran:
                    key = f"{environment} {result.id}"
                    self._results[key], self._environments[key] = result, environment

    def _exit_code(self, pytests: int) -> int:
        if pytests == EXIT_GO and not self._ran_to_its_end:
            # A second Ctrl-C, while pytest was dealing with the first, leaves it at that.
            return EXIT_INTERRUPTED
        if pytests == EXIT_NOTHING_SELECTED and self._lost_worker:
            return EXIT_UNKNOWN
        if not self._results or pytests not in (EXIT_GO, EXIT_NO_GO):
            return pytests
        return exit_code(result.outcome for result in self._results.values())

    def _verdicts(self, session: pytest.Session, pytests: int) -> list[Verdict]:
        by_environment: dict[str, list[CheckResult]] = {}
        code = self._exit_code(pytests)
        if self._results or code == EXIT_INTERNAL_ERROR or is_interruption(code):
            # No older verdict may be taken for one that this run did not come to.
            named = self._config.getoption("selected_environments", None)
            by_environment = {name: [] for name in named or _environments_of(session.items)}
        if pytests == EXIT_NO_GO and code == EXIT_GO:
            # pytest says that something failed, and no check did.
            self._results["pytest"] = missing(
                {"id": "pytest"}, "something else than a check failed"
            )
            self._environments["pytest"] = ""
        # As they were collected, whichever was told first.
        last = len(self._selected)
        for nodeid, result in sorted(
            self._results.items(), key=lambda each: self._selected.get(each[0], last)
        ):
            timed = result.model_copy(update={"duration_s": round(self._durations[nodeid], 3)})
            by_environment.setdefault(self._environments[nodeid], []).append(timed)
        # A check that was lost with its worker names no environment. It counts against each one.
        lost = by_environment.pop("", [])
        for environment, checks in by_environment.items():
            for name, why in run_state.of(self._config).obstacles.get(environment, {}).items():
                checks.append(missing({"id": name}, why))
        return [
            judge(
                environment,
                [*checks, *lost],
                run=self._config.option.testrunuid,
                selection=self._selection(),
                warnings=dict.fromkeys(map(redact, self._warnings[environment])),
                gate=self._config.getoption("gate", None),
                session_code=code,
                started=self._started,
                duration_s=perf_counter() - self._clock,
                waited=self._waited.get(environment),
                engine=self._engines.get(environment, ""),
                replay_of=run_state.of(self._config).replay_of,
            )
            for environment, checks in by_environment.items()
        ]

    def _selection(self) -> str:
        given = {"-m": self._config.option.markexpr, "-k": self._config.option.keyword}
        chosen = (part for option, text in given.items() if text for part in (option, text))
        return redact(shlex.join(chosen))

    def _path(self, environment: str) -> Path:
        folder = Path(self._config.option.output_directory) / environment
        if self._config.getoption("facts", None):
            # What was true when the snapshot was taken is no verdict on the stack of now.
            folder /= "replay"
        return folder / _FILE_NAME

    def _write(self, verdict: Verdict) -> Written:
        path, error = self._path(verdict.environment), ""
        try:
            atomic_write.write(verdict.model_dump_json(indent=2) + "\n", path)
        except OSError as failure:
            error = run_state.reason(failure)
        run_state.of(self._config).verdicts[verdict.environment] = Delivery(
            verdict.exit_code, written=not error
        )
        return Written(verdict, path, error)


def _environments_of(items: Sequence[pytest.Item]) -> list[str]:
    named = (dict(item.user_properties).get("environment") for item in items)
    return list(dict.fromkeys(str(name) for name in named if name))
