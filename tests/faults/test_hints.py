"""Hints of each check that fails with a fault parse, destroy nothing, and name what exists."""

import re
import shlex
from collections.abc import Iterator

import pytest

from stackproof.outcome import Outcome
from tests.faults import snapshots
from tests.faults.replay import Replay, Replays
from tests.hints import DESTROYS, PROGRAMS, unparsable

_CONTAINER = re.compile(
    r"docker (?:start|unpause|exec|logs(?: --\S+ \S+)*|update(?: --\S+ \S+)*"
    r"|inspect(?: --format '[^']+')?|stats(?: --no-stream)?)((?: \w[\w.-]*)+)"
)
_NETWORK = re.compile(r"docker network inspect((?: \w[\w.-]*)+)")


@pytest.fixture(scope="module")
def commands(replays: Replays) -> dict[tuple[str, str], str]:
    """By fault and check: the commands in its hints."""
    return {
        (name, f"{check.id} {number}"): hint.text
        for name, replay in replays.seen.items()
        if isinstance(replay, Replay)
        for check in replay.of(Outcome.FAIL).values()
        for number, hint in enumerate(check.hints)
        if hint.place
    }


def test_they_parse(commands: dict[tuple[str, str], str]) -> None:
    assert len(commands) > 200
    assert unparsable(commands.values()) == []


def test_they_destroy_nothing(commands: dict[tuple[str, str], str]) -> None:
    assert not {where: text for where, text in commands.items() if DESTROYS.search(text)}
    assert {text.split()[0] for text in commands.values()} <= PROGRAMS


def test_they_name_what_exists(commands: dict[tuple[str, str], str]) -> None:
    wrong = {
        where: text
        for where, text in commands.items()
        for kind, name in _names(text)
        if name not in _existing(where[0], kind)
    }
    assert not wrong


def test_the_first_one_starts_a_container_that_is_down(replays: Replays) -> None:
    found = {
        check.id: check.hint
        for replay in replays.seen.values()
        if isinstance(replay, Replay)
        for check in replay.of(Outcome.FAIL).values()
        if check.check == "running"
    }
    assert found
    assert not [hint for hint in found.values() if not re.match(STARTS, hint)]


STARTS = r"docker (start|unpause) \S+$|docker (compose (-. \S+ )*up -d|logs --tail 50) \S+$"


def _names(command: str) -> Iterator[tuple[str, str]]:
    if found := _CONTAINER.match(command):
        names = shlex.split(found[1])
        yield from (("container", name) for name in (names[:1] if "exec" in command else names))
    elif found := _NETWORK.match(command):
        yield from (("network", name) for name in shlex.split(found[1]))


def _existing(fault: str, kind: str) -> set[str]:
    facts = snapshots.read(fault)
    return set(facts.listed if kind == "container" else facts.networks)
