"""Run a command and measure the availability of the public routes meanwhile."""

import os
import shlex
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stackproof.cli.availability import WatchWindow, excuse_timeouts, measure
from stackproof.cli.command_process import CommandProcess
from stackproof.cli.live_line import LiveLine
from stackproof.cli.screen import say
from stackproof.deploy.prober import Prober
from stackproof.environment.document.problem import relative
from stackproof.environment.model import Environment
from stackproof.environment.routes import Route
from stackproof.files import atomic_write
from stackproof.outcome import EXIT_GO, EXIT_UNKNOWN
from stackproof.probes.http.client import Client
from stackproof.probes.http.connections import trusted
from stackproof.probes.http.control import doubting_names
from stackproof.reports.availability import timeline
from stackproof.reports.availability.markdown import markdown
from stackproof.reports.availability.model import EXIT_OF, Watch, objective
from stackproof.reports.availability.text import lines
from stackproof.secrets import redact
from stackproof.unobserved import UnobservedError

# Latencies are compared with these: at ten requests per second, twenty for each route.
BEFORE_SECONDS = 2.0
# An outage can begin after the command has ended, when the last container starts.
AFTER_SECONDS = 2.0
# If requests still fail, the watch goes on, up to this limit.
MAX_AFTER_SECONDS = 30.0
_FILES = ("watch.json", "watch.svg")


@dataclass(frozen=True)
class _Run:
    """A run of the command; times are monotonic, and None if it did not begin or end."""

    began: float | None
    ended: float | None
    code: int | None


def public_routes(environment: Environment) -> Mapping[str, Route]:
    """Return the routes that are requested from here, as visitors do, as often as needed.

    Streams are left out: a server keeps each of them for a while.
    """
    return {
        name: each
        for name, each in environment.routes.items()
        if each.vantage == "here" and each.is_repeatable and not each.stream
    }


def watch(
    environment: Environment, command: Sequence[str], *, rate: float, slo: float, folder: Path
) -> int:
    """Run a command, and send requests to every public route before, meanwhile and after.

    Args:
        environment: has at least one public route.
        command: the command and its arguments. It uses our input and output.
        rate: requests to each route per second.
        slo: the objective for the availability of each route, in percent.
        folder: where `watch.json` and `watch.svg` are written.

    Returns:
        The exit code: 128 plus the signal that interrupted us, or else the command's if it failed,
        7 if a route missed the objective, 6 if that is unknown.

    Raises:
        UnobservedError: the command was not run, because the trusted certificates cannot be read,
            an earlier result cannot be removed, or no thread can be started.
        CommandError: the command cannot be run.
    """
    _remove_earlier(folder)
    routes = public_routes(environment)
    client = Client(environment.resolve, trusted(environment, "requests"))
    prober = Prober(routes, doubting_names(environment, client.request), rate)
    process = CommandProcess(command)
    live = LiveLine(prober.samples)
    with process.forwarding_signals():
        epoch, began = datetime.now(UTC), time.monotonic()
        prober.start()
        try:
            ran = _run(process, prober, live)
        finally:
            ended = time.monotonic()
            prober.stop()
            live.clear()
        command_began = ended if ran.began is None else ran.began
        window = WatchWindow(began, command_began, ended, 1 / rate, epoch)
        result = _result(environment, command, process, ran, prober, window, rate, slo)
        return _write(result, folder)


def _remove_earlier(folder: Path) -> None:
    for name in _FILES:
        path = folder / name
        with suppress(OSError):
            path.unlink(missing_ok=True)
        if path.exists():
            raise UnobservedError(f"{path} of an earlier watch cannot be removed")


def _run(process: CommandProcess, prober: Prober, live: LiveLine) -> _Run:
    def wait(phase: str, until: Callable[[], bool]) -> None:
        while process.interrupted_by is None and not until():
            live.draw(phase)
            time.sleep(0.02)

    baseline_ends = time.monotonic() + BEFORE_SECONDS
    wait("before", lambda: time.monotonic() >= baseline_ends)
    if process.interrupted_by:
        return _Run(None, None, None)
    began = time.monotonic()
    process.start()
    while (code := process.wait(0.1)) is None:
        live.draw("the command runs")
    ended = time.monotonic()

    def calm() -> bool:
        now = time.monotonic()
        quiet = now - max(prober.last_trouble_at, ended)
        return quiet > AFTER_SECONDS or now - ended > MAX_AFTER_SECONDS

    wait("after", calm)
    return _Run(began, ended, code)


def _result(
    environment: Environment,
    command: Sequence[str],
    process: CommandProcess,
    ran: _Run,
    prober: Prober,
    window: WatchWindow,
    rate: float,
    slo: float,
) -> Watch:
    samples = excuse_timeouts(prober.samples)
    routes = tuple(
        measure(
            route,
            [sample for sample in samples if sample.route == name],
            prober.not_sent[name],
            window,
        )
        for name, route in public_routes(environment).items()
    )
    requests, succeeded = sum(each.requests for each in routes), sum(each.right for each in routes)
    failures: Counter[str] = Counter()
    for route in routes:
        failures.update(route.failures)
    gaps = {route.route: route.longest_gap for route in routes if route.longest_gap}
    longest = max(gaps, key=lambda name: gaps[name].seconds, default="")
    met = objective(routes, slo)
    signal_number = process.interrupted_by
    return Watch(
        environment=environment.name,
        command=redact(shlex.join(command)),
        command_exit_code=ran.code,
        interrupted=signal_number is not None,
        rate=rate,
        slo=slo,
        objective=met,
        exit_code=128 + signal_number if signal_number else ran.code or EXIT_OF[met],
        began=window.epoch,
        command_began=None if ran.began is None else window.at(ran.began),
        command_ended=None if ran.ended is None else window.at(ran.ended),
        ended=window.at(window.ended),
        duration_s=round(window.ended - window.began, 3),
        longest_lag_s=round(prober.longest_lag, 3),
        requests=requests,
        right=succeeded,
        availability=100 * succeeded / requests if requests else None,
        failures=dict(failures),
        longest_gap=gaps.get(longest),
        longest_gap_of=longest,
        routes=routes,
    )


def _write(result: Watch, folder: Path) -> int:
    """Print and write the result. Return the exit code: not 0 if it could not be written."""
    for line in lines(result):
        say(line)
    code = result.exit_code
    texts = (result.model_dump_json(indent=2) + "\n", timeline.draw(result))
    for name, text in zip(_FILES, texts, strict=True):
        path = folder / name
        try:
            atomic_write.write(text, path)
        except OSError as error:
            say(f"{path} could not be written: {error.strerror}")
            code = EXIT_UNKNOWN if code == EXIT_GO else code
        else:
            say(str(relative(path)))
    _summarize(result)
    return code


def _summarize(result: Watch) -> None:
    """Add the result to the job summary of GitHub Actions."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if os.environ.get("GITHUB_ACTIONS") != "true" or not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as page:
            page.write(markdown(result))
    except OSError as error:
        say(f"the job summary could not be written: {error.strerror}")
