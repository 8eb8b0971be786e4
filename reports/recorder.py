"""pytest plugin: records the results of a run, and decides on each of its environments."""

import shlex
from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from datetime import UTC, datetime
from time import perf_counter

import pytest

from stackproof.facts.settling import Settling
from stackproof.outcome import (
    EXIT_GO,
    EXIT_INTERNAL_ERROR,
    EXIT_INTERRUPTED,
    EXIT_NO_GO,
    EXIT_NOTHING_SELECTED,
    EXIT_UNKNOWN,
    exit_code,
    is_interruption,
)
from stackproof.process import run_state
from stackproof.report_properties import (
    ENGINE,
    ENVIRONMENT,
    ENVIRONMENT_NOTES,
    EnvironmentNotes,
    properties_of,
)
from stackproof.reports.check_results import check_result, missing_result
from stackproof.reports.verdict import CheckResult, Verdict, judge
from stackproof.secrets import redact

VERDICT_CODES = (EXIT_NO_GO, EXIT_UNKNOWN, EXIT_GO)
"""The exit codes that a verdict can have, the most severe first."""
_ANY = ""
"""The environment of a check that was lost before it reported its environment."""


class Recorder:
    """Records results in the process that receives all reports: not in an xdist worker."""

    def __init__(self, config: pytest.Config) -> None:
        """Start the clock of the run."""
        self._config = config
        self._started = datetime.now(UTC)
        self._clock = perf_counter()
        self._selected: dict[str, int] = {}
        """The position of each check, by node id. So are the next three."""
        self._results: dict[str, CheckResult] = {}
        self._environments: dict[str, str] = {}
        self._durations: defaultdict[str, float] = defaultdict(float)
        self._warnings: defaultdict[str, list[str]] = defaultdict(list)
        """By environment, like all that follow."""
        self._required: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
        self._settlings: dict[str, Settling] = {}
        self._engines: dict[str, str] = {}
        self._is_complete = False
        self._has_lost_worker = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Note that the loop ran to its end."""
        result = yield
        self._is_complete = True
        return result

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Record the selected checks."""
        self._select(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Record the selected checks of a worker."""
        self._select(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, error: object) -> None:
        """Note that a worker crashed."""
        self._has_lost_worker |= bool(error)

    def _select(self, ids: Iterable[str]) -> None:
        self._selected |= {nodeid: position for position, nodeid in enumerate(ids)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the report of one phase of a check."""
        self._durations[report.nodeid] += report.duration
        properties = dict(report.user_properties)
        environment = str(properties.get(ENVIRONMENT, _ANY))
        self._environments[report.nodeid] = environment
        if notes := vars(report).get(ENVIRONMENT_NOTES):
            self._add_notes(environment, notes)
        engine = properties.get(ENGINE)
        if engine and environment not in self._engines:
            self._engines[environment] = redact(str(engine))
        result = check_result(report)
        if result is not None:
            previous = self._results.get(report.nodeid, result)
            self._results[report.nodeid] = max(
                previous, result, key=lambda each: each.outcome.weight
            )

    def _add_notes(self, environment: str, notes: EnvironmentNotes) -> None:
        self._warnings[environment] += notes.get("warnings", [])
        self._required[environment] += notes.get("required", [])
        for settling in notes.get("settling", []):
            self._settlings[environment] = Settling.model_validate(settling)

    def exit_code(self, session_code: int) -> int:
        """Return the exit code of the results, or pytest's own code if that takes precedence."""
        if session_code == EXIT_GO and not self._is_complete:
            # pytest returns 0 after a second Ctrl-C while it handled the first.
            return EXIT_INTERRUPTED
        if session_code == EXIT_NOTHING_SELECTED and self._has_lost_worker:
            return EXIT_UNKNOWN
        if not self._results or session_code not in (EXIT_GO, EXIT_NO_GO):
            return session_code
        return exit_code(result.outcome for result in self._results.values())

    def verdicts(self, session: pytest.Session) -> list[Verdict]:
        """Return the verdict on each environment of the run."""
        session_code = int(session.exitstatus)
        self._add_missing(session)
        code = self.exit_code(session_code)
        by_environment: dict[str, list[CheckResult]] = {}
        if self._results or code == EXIT_INTERNAL_ERROR or is_interruption(code):
            # Without results, too: an older verdict must not be read as that of this run.
            names = self._config.getoption("selected_environments", None)
            by_environment = {name: [] for name in names or _environments_of(session.items)}
        if session_code == EXIT_NO_GO and code == EXIT_GO:
            reason = "something other than a check failed"
            self._results["pytest"] = missing_result(reason, nodeid="pytest")
            self._environments["pytest"] = _ANY
        last = len(self._selected)
        for nodeid, result in sorted(
            self._results.items(), key=lambda each: self._selected.get(each[0], last)
        ):
            timed = result.model_copy(update={"duration_s": round(self._durations[nodeid], 3)})
            by_environment.setdefault(self._environments[nodeid], []).append(timed)
        # A lost check counts against each environment.
        lost = by_environment.pop(_ANY, [])
        return [
            self._judge(environment, [*checks, *self._obstacles(environment), *lost], code)
            for environment, checks in by_environment.items()
        ]

    def _add_missing(self, session: pytest.Session) -> None:
        """Add an UNKNOWN result for each selected or required check that did not run."""
        if self.exit_code(int(session.exitstatus)) not in VERDICT_CODES or not self._results:
            return
        ran = {(self._environments[nodeid], each.id) for nodeid, each in self._results.items()}
        if not (session.shouldfail or session.shouldstop):
            for nodeid in self._selected - self._durations.keys():
                self._results[nodeid] = missing_result("it reported no result", nodeid=nodeid)
                self._environments[nodeid] = _ANY
        for environment, checks in self._required.items():
            for properties in checks:
                result = missing_result("a gate needs it, and it did not run", properties)
                if (environment, result.id) not in ran:
                    key = f"{environment} {result.id}"
                    self._results[key], self._environments[key] = result, environment

    def _obstacles(self, environment: str) -> list[CheckResult]:
        obstacles = run_state.of(self._config).obstacles.get(environment, {})
        return [missing_result(reason, nodeid=name) for name, reason in obstacles.items()]

    def _judge(self, environment: str, checks: Sequence[CheckResult], code: int) -> Verdict:
        return judge(
            environment,
            checks,
            run=self._config.option.testrunuid,
            selection=self._selection(),
            warnings=dict.fromkeys(map(redact, self._warnings[environment])),
            gate=self._config.getoption("gate", None),
            session_code=code,
            started=self._started,
            duration_s=perf_counter() - self._clock,
            waited=self._settlings.get(environment),
            engine=self._engines.get(environment, ""),
            replay_of=run_state.of(self._config).replay_of,
        )

    def _selection(self) -> str:
        option = self._config.option
        values = {"-m": option.markexpr, "-k": option.keyword}
        given = [word for name, text in values.items() if text for word in (name, text)]
        flags = {"--lf": "lf", "--sw": "stepwise"}
        given += [flag for flag, name in flags.items() if self._config.getoption(name, False)]
        for name in ("deselect", "ignore", "ignore_glob"):
            flag = f"--{name.replace('_', '-')}"
            given += [f"{flag}={value}" for value in self._config.getoption(name, None) or ()]
        for setting in option.override_ini or ():
            if setting.startswith(_SELECTING_SETTINGS):
                given += ["-o", setting]
        return redact(shlex.join([*given, *option.file_or_dir]))


_SELECTING_SETTINGS = ("python_", "norecursedirs", "testpaths")
"""The settings of pytest that leave checks out."""


def _environments_of(items: Sequence[pytest.Item]) -> list[str]:
    names = (dict(properties_of(item)).get(ENVIRONMENT) for item in items)
    return list(dict.fromkeys(name for name in names if name))
