"""`stackproof watch`: runs a deploy, and measures what its visitors have of it meanwhile."""

import os
import shlex
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from commands.deploy import Deploy
from commands.live_line import LiveLine
from commands.measurement import Course, measure, undecided
from commands.screen import say
from environments.model import Environment
from environments.problem import shown
from environments.routes import Route
from fixtures.control import doubting_names
from fixtures.observation import CannotLook
from fixtures.probing import Prober
from fixtures.routes import Client
from fixtures.vantage import trusted
from reports import timeline
from reports.availability import EXIT_OF, Watch, objective
from reports.availability_markdown import markdown
from reports.availability_text import lines
from stackproof import atomic_write
from stackproof.exit_codes import EXIT_GO, EXIT_UNKNOWN
from stackproof.secrets import redact

# What latencies are compared with: at ten probes a second, twenty of each route.
BEFORE_SECONDS = 2.0
# An outage can begin after the command has ended: it lets the last container start by itself.
AFTER_SECONDS = 2.0
# Where something fails still, its end is waited for, but not for ever.
AFTER_SECONDS_AT_MOST = 30.0
_FILES = ("watch.json", "watch.svg")


@dataclass(frozen=True)
class _Ran:
    """What became of the command, on the monotonic clock."""

    began: float | None
    ended: float | None
    code: int | None


def public_routes(environment: Environment) -> Mapping[str, Route]:
    """The routes that visitors have: those that are looked at from outside."""
    return {name: each for name, each in environment.routes.items() if each.vantage == "here"}


def watch(
    environment: Environment, command: Sequence[str], *, rate: float, slo: float, folder: Path
) -> int:
    """Run a command, and probe every public route before, meanwhile and after.

    Args:
        environment: whose routes; it has at least one.
        command: with its arguments. Its input and output are ours.
        rate: probes of each route a second.
        slo: what the availability of each route must be, in percent.
        folder: where `watch.json` and `watch.svg` are written.

    Returns:
        The exit code: 128 and the number of the signal that interrupted us, or else the command's
        where it failed, 7 where a route missed the objective, 6 where that cannot be told.

    Raises:
        CannotLook: the certificates to trust cannot be read, the result of an earlier watch cannot
            be removed, or there is no room for a thread; the command was not run.
        CommandError: the command cannot be run.
    """
    _remove_earlier(folder)
    routes = public_routes(environment)
    client = Client(environment.resolve, trusted(environment))
    prober = Prober(routes, doubting_names(environment, client.look), rate)
    deploy = Deploy(command)
    live = LiveLine(prober.probes)
    with deploy.passing_signals_on():
        epoch, began = datetime.now(UTC), time.monotonic()
        prober.start()
        try:
            ran = _run(deploy, prober, live)
        finally:
            ended = time.monotonic()
            prober.stop()
            live.clear()
        over = Course(began, ended if ran.began is None else ran.began, ended, 1 / rate, epoch)
        told = _tell(environment, command, deploy, ran, prober, over, rate, slo)
        return _write(told, folder)


def _remove_earlier(folder: Path) -> None:
    for name in _FILES:
        path = folder / name
        with suppress(OSError):
            path.unlink(missing_ok=True)
        if path.exists():
            raise CannotLook(f"{path} of an earlier watch cannot be removed")


def _run(deploy: Deploy, prober: Prober, live: LiveLine) -> _Ran:
    def wait(phase: str, until: Callable[[], bool]) -> None:
        while deploy.interrupted_by is None and not until():
            live.draw(phase)
            time.sleep(0.02)

    baseline_ends = time.monotonic() + BEFORE_SECONDS
    wait("before", lambda: time.monotonic() >= baseline_ends)
    if deploy.interrupted_by:
        return _Ran(None, None, None)
    began = time.monotonic()
    deploy.start()
    while (code := deploy.wait(0.1)) is None:
        live.draw("the command runs")
    ended = time.monotonic()

    def calm() -> bool:
        now = time.monotonic()
        quiet = now - max(prober.troubled_at, ended)
        return quiet > AFTER_SECONDS or now - ended > AFTER_SECONDS_AT_MOST

    wait("after", calm)
    return _Ran(began, ended, code)


def _tell(
    environment: Environment,
    command: Sequence[str],
    deploy: Deploy,
    ran: _Ran,
    prober: Prober,
    over: Course,
    rate: float,
    slo: float,
) -> Watch:
    probes = undecided(prober.probes)
    routes = tuple(
        measure(
            route,
            [probe for probe in probes if probe.route == name],
            prober.not_sent[name],
            over,
        )
        for name, route in public_routes(environment).items()
    )
    requests, right = sum(each.requests for each in routes), sum(each.right for each in routes)
    failures: Counter[str] = Counter()
    for route in routes:
        failures.update(route.failures)
    gaps = {route.route: route.longest_gap for route in routes if route.longest_gap}
    longest = max(gaps, key=lambda name: gaps[name].seconds, default="")
    reached = objective(routes, slo)
    signalled = deploy.interrupted_by
    return Watch(
        environment=environment.name,
        command=redact(shlex.join(command)),
        command_exit_code=ran.code,
        interrupted=signalled is not None,
        rate=rate,
        slo=slo,
        objective=reached,
        exit_code=128 + signalled if signalled else ran.code or EXIT_OF[reached],
        began=over.epoch,
        command_began=None if ran.began is None else over.at(ran.began),
        command_ended=None if ran.ended is None else over.at(ran.ended),
        ended=over.at(over.ended),
        duration_s=round(over.ended - over.began, 3),
        longest_lag_s=round(prober.longest_lag, 3),
        requests=requests,
        right=right,
        availability=100 * right / requests if requests else None,
        failures=dict(failures),
        longest_gap=gaps.get(longest),
        longest_gap_of=longest,
        routes=routes,
    )


def _write(told: Watch, folder: Path) -> int:
    """Say it, write it, and return the exit code: no success where it could not be written."""
    for line in lines(told):
        say(line)
    code = told.exit_code
    texts = (told.model_dump_json(indent=2) + "\n", timeline.draw(told))
    for name, text in zip(_FILES, texts, strict=True):
        path = folder / name
        try:
            atomic_write.write(text, path)
        except OSError as error:
            say(f"{path} could not be written: {error.strerror}")
            code = EXIT_UNKNOWN if code == EXIT_GO else code
        else:
            say(str(shown(path)))
    _summarize(told)
    return code


def _summarize(told: Watch) -> None:
    """Add it to the summary of the job, where GitHub runs this."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if os.environ.get("GITHUB_ACTIONS") != "true" or not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as page:
            page.write(markdown(told))
    except OSError as error:
        say(f"the summary of the job could not be written: {error.strerror}")
