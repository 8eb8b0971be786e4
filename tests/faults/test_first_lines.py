"""No first line of a fault says nothing, such as "test failed" or "expected ok, observed none"."""

import re

import pytest

from lab import faults
from lab.faults.fault import Fault
from stackproof.outcome import Outcome
from tests.faults.replay import Replay, Replays

_SAYS_NOTHING = re.compile(
    r".*observed (?:.*[: ])?(?:test failed|error|failed|failure|unknown|bad|wrong|not ok)"
)
_VALUE_OF_A_FIELD = re.compile(r".* expected (\w+): .+, observed \1: .+")
_NOTHING_WAS_EXPECTED = re.compile(r"[^:]+: expected (?:one|something|any|yes|ok), observed none")


@pytest.mark.parametrize("fault", faults.ALL.values(), ids=faults.ALL.keys())
def test_first_lines_of_a_fault(fault: Fault, replays: Replays) -> None:
    seen = replays.seen[fault.name]
    assert isinstance(seen, Replay), seen
    lines = [each.headline for each in seen.of(Outcome.FAIL).values()]
    assert lines
    assert not [line for line in lines if says_nothing(line)]


def says_nothing(line: str) -> bool:
    if _VALUE_OF_A_FIELD.fullmatch(line):
        return False
    return bool(_SAYS_NOTHING.fullmatch(line) or _NOTHING_WAS_EXPECTED.fullmatch(line))


@pytest.mark.parametrize("fault", faults.ALL.values(), ids=faults.ALL.keys())
def test_words_to_search_for(fault: Fault) -> None:
    """What a fault declares names its subject and what is wrong with it."""
    assert len(re.findall(r"[A-Za-z0-9]{2,}", fault.says)) > 2, fault.says
    assert not says_nothing(fault.says)


@pytest.mark.parametrize(
    "line",
    [
        "nginx configuration: expected nginx -t succeeds, observed nginx: configuration file "
        "/etc/nginx/nginx.conf test failed",
        "api health: expected ok, observed none",
        "api health: expected healthy, observed error",
    ],
)
def test_lines_that_say_nothing(line: str) -> None:
    assert says_nothing(line)
