"""The engine and its machine are fit to run the stack."""

from environments.machine import Host
from fixtures.collection import declares
from fixtures.facts import Machine
from reports.finding import finding


@declares("engine_version")
def test_engine_version(host: Host, machine: Machine) -> None:
    """An engine that is too old takes a compose file and leaves out what it does not know."""
    oldest = host.engine_version or ""
    assert _numbers(machine.engine_version) >= _numbers(oldest), finding(
        host,
        "engine version",
        expected=f"at least {oldest}",
        observed=machine.engine_version,
        hint="upgrade the engine: https://docs.docker.com/engine/install/",
    )


@declares("clock_skew")
def test_clock(host: Host, machine: Machine) -> None:
    """Where clocks differ, tokens are refused, certificates are not yet valid, and logs mislead."""
    most = host.clock_skew or 0
    # Only what the time that asking took cannot explain is sure to be the clock's.
    skew = max(0.0, abs(machine.clock_ahead_s) - machine.clock_uncertain_s)
    assert skew < most, finding(
        host,
        "clock",
        expected=f"within {most:g} s of the one here",
        observed=f"{skew:.1f} s {'ahead' if machine.clock_ahead_s > 0 else 'behind'}",
        hint="timedatectl on the server, then here: one of them is not synchronised",
    )


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: 20.10.24 of `20.10.24+dfsg1`."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)
