"""The wait for a stack to settle: its result, its progress, and that it always ends."""

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain, repeat
from typing import Any

import pytest

from stackproof.deploy.progress import Progress
from stackproof.deploy.settling import Containers, settle
from stackproof.environment.model import Environment
from stackproof.facts.container import Container, HealthCheckRun, HealthState
from stackproof.facts.settling import Settling
from stackproof.unobserved import Unobserved
from tests.shop import AT, container, created, health

GONE = Unobserved(reason="engine unix:///run/engine.sock: no answer within 5 s")
STARTING = container(health=health("starting"))
UNHEALTHY = container(health=health("unhealthy"))
NO_RESTART = created(restart="no")


def _environment(**services: Any) -> Environment:
    return Environment.model_validate({"name": "shop", "services": services or {"api": {}}})


def _settle(
    *polls: Containers | Unobserved | Container | None,
    environment: Environment | None = None,
    limit_s: float = 30,
    each_takes_s: float = 0,
) -> tuple[Settling, list[str]]:
    """Settle on these polls of the one service, the last of which is repeated.

    A wait that does not end fails: there are not more polls than the longest wait takes.
    """
    now = 0.0
    reported: list[str] = []
    results: Iterator[Containers | Unobserved | Container | None] = chain(
        polls, repeat(polls[-1], 200)
    )

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds

    def poll(seconds: float) -> Containers | Unobserved:
        nonlocal now
        now += min(each_takes_s, seconds)
        each = next(results)
        if isinstance(each, Container):
            return {"api": (each,)}
        return {} if each is None else each

    settling = settle(
        environment or _environment(),
        limit_s,
        lambda waits_for, *_: reported.append(waits_for),
        poll,
        pause,
        lambda: now,
    )
    return settling, reported


def test_a_settled_stack_takes_two_polls() -> None:
    settling, reported = _settle(container())
    assert (settling.ended, settling.looks, settling.seconds) == ("settled", 2, 1)
    assert (settling.waited_for, settling.pending, reported) == ({}, {}, [""])


def test_reasons_are_reported_and_timed() -> None:
    settling, reported = _settle(None, STARTING, STARTING, container())
    assert (settling.ended, settling.looks, settling.seconds) == ("settled", 5, 4)
    assert reported == ["api (no container api)", "api (starting)", "api (starting)", ""]
    assert settling.waited_for == {"api: no container api": 1, "api: starting": 2}


@pytest.mark.parametrize(
    "changed",
    [{"restart_count": 1}, {"started_at": AT + timedelta(seconds=9)}, {"id": "another"}],
    ids=["restarted", "started again", "recreated"],
)
def test_a_change_between_two_good_polls(changed: dict[str, Any]) -> None:
    environment = _environment(api={"max_restarts": 3})
    settling, _ = _settle(container(), container(**changed), environment=environment)
    assert (settling.ended, settling.looks) == ("settled", 3)


def test_a_good_poll_between_bad_ones_does_not_count() -> None:
    settling, _ = _settle(container(), STARTING, container(), container())
    assert settling.looks == 4


def test_time_limit() -> None:
    settling, _ = _settle(UNHEALTHY, environment=_environment(api={"healthcheck": "required"}))
    assert (settling.ended, settling.seconds) == ("late", 30)
    assert settling.pending == {"api": "unhealthy"}


def _ran(*exit_codes: int) -> Container:
    runs = (HealthCheckRun(at=AT, exit_code=code, output="") for code in exit_codes)
    return container(health=HealthState(status="healthy", failing_streak=0, log=tuple(runs)))


@pytest.mark.parametrize(
    ("polls", "number", "reported"),
    [
        ((_ran(0, 1, 0, 1, 0), _ran(1, 0, 1, 0, 0)), 3, ["api (flapping)", ""]),
        ((_ran(0, 1, 1, 0), _ran(0, 1, 1, 0, 0)), 3, ["api (flapping)", ""]),
        ((_ran(0, 1, 0),), 2, [""]),
    ],
)
def test_a_gate_waits_until_flapping_is_over(
    polls: tuple[Container, ...], number: int, reported: list[str]
) -> None:
    required = _environment(api={"healthcheck": "required"})
    settling, lines = _settle(*polls, environment=required)
    assert (settling.ended, settling.looks, lines) == ("settled", number, reported)


def test_a_container_that_flaps_for_ever_is_left_to_its_own_check() -> None:
    required = _environment(api={"healthcheck": "required"})
    settling, _ = _settle(_ran(0, 1, 0, 1, 0), environment=required)
    assert (settling.ended, settling.seconds, settling.pending) == ("settled", 30, {})
    assert settling.waited_for == {"api: flapping": 30}


def test_a_first_good_poll_at_the_limit_gets_a_second_one() -> None:
    settling, _ = _settle(*[STARTING] * 5, container(), limit_s=5)
    assert (settling.ended, settling.seconds) == ("settled", 6)


def test_a_stack_that_is_recreated_repeatedly_is_late() -> None:
    settling, _ = _settle(*(container(id=str(number)) for number in range(9)), limit_s=5)
    assert (settling.ended, settling.seconds, settling.pending) == ("late", 7, {})


def test_health_that_is_not_declared_must_only_leave_starting() -> None:
    settling, reported = _settle(STARTING, UNHEALTHY)
    assert (settling.ended, reported[0]) == ("settled", "api (starting)")


@pytest.mark.parametrize(
    ("polls", "reason"),
    [
        (
            [container(status="exited", exit_code=3, creation=NO_RESTART)],
            "exited with code 3, and nothing restarts it",
        ),
        (
            [container(status="exited", creation=created(restart="on-failure"))],
            "exited with code 0, and nothing restarts it",
        ),
        (
            [container(), container(restart_count=1), container(restart_count=2)],
            "in a crash loop, at restart 2",
        ),
        (
            [container(status="restarting", restart_count=9)],
            "in a crash loop, at restart 9",
        ),
    ],
    ids=["no policy", "on failure", "restarts grow", "restarting"],
)
def test_waiting_ends_when_it_is_hopeless(polls: list[Container], reason: str) -> None:
    settling, _ = _settle(*polls)
    assert (settling.ended, settling.pending) == ("hopeless", {"api": reason})
    assert settling.seconds <= 2


@pytest.mark.parametrize(
    "found",
    [
        container(status="exited", exit_code=1),
        container(status="exited", exit_code=1, creation=created(restart="on-failure")),
        container(status="created"),
        container(status="paused"),
    ],
    ids=["unless-stopped", "on-failure", "created", "paused"],
)
def test_waiting_goes_on_while_it_may_help(found: Container) -> None:
    assert _settle(found)[0].ended == "late"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (container(status="exited", exit_code=3), "exited with code 3"),
        (container(status="created"), "created"),
        (container(status="paused"), "paused"),
        (STARTING, "starting"),
        (None, "no container shop-api"),
    ],
)
def test_what_is_waited_for(found: Container | None, reason: str) -> None:
    settling, reported = _settle(found, environment=_environment(api={"container": "shop-api"}))
    assert reported[0] == f"api ({reason})"
    assert settling.pending == {"api": reason}


def test_a_container_that_is_being_replaced() -> None:
    stopped = container(status="exited", exit_code=0, creation=NO_RESTART)
    assert _settle(stopped, None, container(id="another"))[0].ended == "settled"


def test_allowed_restarts_are_no_crash_loop() -> None:
    environment = _environment(api={"max_restarts": 2})
    polls = [container(restart_count=count) for count in (0, 1, 2)]
    assert _settle(*polls, environment=environment)[0].ended == "settled"


def test_restarts_before_the_wait_are_no_crash_loop() -> None:
    assert _settle(container(restart_count=9))[0].ended == "settled"


@pytest.mark.parametrize(
    ("exit_code", "ended"), [(0, "settled"), (1, "hopeless")], ids=["succeeded", "failed"]
)
def test_a_one_shot(exit_code: int, ended: str) -> None:
    environment = _environment(api={"one_shot": True})
    running = container(creation=NO_RESTART, health=None)
    done = container(status="exited", exit_code=exit_code, creation=NO_RESTART)
    settling, reported = _settle(running, done, environment=environment)
    assert (settling.ended, reported[0]) == (ended, "api (has not ended)")


def test_every_instance_is_waited_for() -> None:
    both: Containers = {"api": (container(), container(id="b", health=health("starting")))}
    settling, reported = _settle(both, {"api": (container(), container(id="b"))})
    assert (settling.ended, reported) == ("settled", ["api (starting)", ""])


def test_as_many_instances_as_declared_are_waited_for() -> None:
    environment = _environment(api={"instances": 2}, job={"instances": 0})
    one, other, job = container(), container(id="b"), container(id="c", status="restarting")
    settling, reported = _settle(
        {"api": (one,)}, {"api": (one, other), "job": (job,)}, environment=environment
    )
    assert (settling.ended, reported) == ("settled", ["api (1 of 2 containers)", ""])


def test_an_unreachable_engine_at_the_time_limit() -> None:
    settling, reported = _settle(STARTING, GONE, limit_s=20, each_takes_s=5)
    assert (settling.ended, settling.blind) == ("blind", GONE.reason)
    assert settling.seconds == 20
    # From the end of the poll that noticed it: at 5, 11, 17 and 20 seconds.
    assert settling.waited_for == {"api: starting": 15, GONE.reason: 9}
    assert reported == ["api (starting)", GONE.reason, GONE.reason]


def test_an_engine_that_comes_back() -> None:
    settling, _ = _settle(container(), GONE, container())
    assert (settling.ended, settling.looks, settling.blind) == ("settled", 4, "")


def test_an_engine_that_does_not_come_back() -> None:
    settling, _ = _settle(GONE, limit_s=600)
    assert (settling.ended, settling.seconds) == ("blind", 30)


class _Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture
def progress() -> Callable[[bool], tuple[Progress, io.StringIO, list[float]]]:
    def make(terminal: bool) -> tuple[Progress, io.StringIO, list[float]]:
        stream, now = _Stream(terminal), [0.0]
        return Progress(stream, lambda: now[0]), stream, now

    return make


Make = Callable[[bool], tuple[Progress, io.StringIO, list[float]]]


@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_is_printed_for_a_settled_stack(progress: Make, terminal: bool) -> None:
    progress_line, stream, _ = progress(terminal)
    progress_line.report("", 0, 120)
    progress_line.end()
    assert stream.getvalue() == ""


def test_plain_lines_every_few_seconds(progress: Make) -> None:
    progress_line, stream, now = progress(False)
    for now[0] in range(9):
        progress_line.report("api (starting)", now[0], 120)
    progress_line.end()
    assert stream.getvalue() == (
        "waiting for api (starting): 1 of 120 s\nwaiting for api (starting): 6 of 120 s\n"
    )


def test_a_terminal_line_is_redrawn(progress: Make) -> None:
    progress_line, stream, _ = progress(True)
    for second in range(3):
        progress_line.report("api (starting)", second, 120)
    progress_line.end()
    clear = "\r\x1b[2K"
    assert stream.getvalue() == (
        f"{clear}waiting for api (starting): 1 of 120 s"
        f"{clear}waiting for api (starting): 2 of 120 s{clear}"
    )
