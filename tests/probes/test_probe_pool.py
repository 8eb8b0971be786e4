"""Functions run concurrently until a deadline."""

import _thread
from collections.abc import Callable
from functools import partial
from threading import Barrier, Event, main_thread
from threading import enumerate as threads

import pytest

from stackproof.probes import probe_pool
from stackproof.probes.probe_pool import ProbePool
from stackproof.unobserved import Unobserved, UnobservedError


@pytest.fixture
def never() -> Event:
    """What a function waits for that hangs."""
    return Event()


def test_results_by_key() -> None:
    pool = ProbePool(10)
    futures = {n: pool.start(partial(pow, n, 2)) for n in range(100)}
    assert pool.results(futures) == {n: n * n for n in range(100)}


def test_concurrent() -> None:
    pool = ProbePool(10)
    meet = Barrier(probe_pool.CONCURRENT)  # broken unless all of them wait at once
    futures = {n: pool.start(meet.wait) for n in range(probe_pool.CONCURRENT)}
    assert set(pool.results(futures).values()) == set(futures)


def test_what_waits_takes_no_slot() -> None:
    pool = ProbePool(10)
    go = Event()

    def first() -> str:
        go.wait()
        return "reached"

    reached = pool.start(first)
    waiting = {
        n: pool.start_after(reached.result, str.upper) for n in range(2 * probe_pool.CONCURRENT)
    }
    pool.result(pool.start(go.set))
    assert set(pool.results(waiting).values()) == {"REACHED"}


def test_one_that_hangs_leaves_the_others_alone(never: Event) -> None:
    pool = ProbePool(0.2)
    futures = {"hung": pool.start(never.wait), "fine": pool.start(lambda: True)}
    assert pool.results(futures) == {
        "hung": Unobserved(reason="no answer within 0.2 s"),
        "fine": True,
    }
    never.set()


def test_the_deadline_is_for_all_together(never: Event) -> None:
    pool = ProbePool(0.2)
    hung = {n: pool.start(never.wait) for n in range(200)}  # 0.2 s each would take 40 s
    assert set(pool.results(hung).values()) == {Unobserved(reason="no answer within 0.2 s")}
    never.set()


def test_an_abandoned_thread_does_not_keep_the_process_from_ending(never: Event) -> None:
    pool = ProbePool(0)
    pool.result(pool.start(never.wait))
    # Those are waited for when the process ends.
    assert threads() == [main_thread()]
    never.set()


def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    pool = ProbePool(10)
    first = pool.start(lambda: "done")
    reason = "cannot start a thread: out of memory or processes on this machine"
    assert pool.results({1: first, 2: pool.start_after(first.result, str.upper)}) == {
        1: Unobserved(reason=reason),
        2: Unobserved(reason=reason),
    }


def _unobserved() -> str:
    raise UnobservedError("engine unix:///none.sock: connection refused")


def _broken() -> str:
    raise KeyError("State")


def _ended() -> str:
    raise SystemExit(1)


def _late() -> str:
    raise TimeoutError("the socket")


@pytest.mark.parametrize(
    ("observe", "reason"),
    [
        (_unobserved, "engine unix:///none.sock: connection refused"),
        (_broken, "KeyError: 'State'"),
        (_ended, "SystemExit: 1"),
        (_late, "TimeoutError: the socket"),
    ],
)
def test_an_error_is_the_reason(observe: Callable[[], str], reason: str) -> None:
    pool = ProbePool(10)
    assert pool.result(pool.start(observe)) == Unobserved(reason=reason)


def test_an_error_is_passed_on() -> None:
    pool = ProbePool(10)
    first = pool.start(_unobserved)
    second = pool.start_after(first.result, str.upper)
    third = pool.start_after(second.result, str.lower)
    assert pool.result(third) == Unobserved(reason="engine unix:///none.sock: connection refused")


def test_a_chain_is_as_late_as_its_first(never: Event) -> None:
    pool = ProbePool(0.2)
    first = pool.start(never.wait)
    assert pool.result(pool.start_after(first.result, bool)) == Unobserved(
        reason="no answer within 0.2 s"
    )
    never.set()
