"""What a run tells of a subject: check to outcome and first line, but for what passes."""

from tests.suites.command_line import Ran

Told = dict[str, tuple[str, str]]


def fail(**lines: str) -> Told:
    return {check.replace("__", "."): ("FAIL", line) for check, line in lines.items()}


def unknown(reason: str, *checks: str) -> Told:
    return dict.fromkeys(checks, ("UNKNOWN", f"could not look: {reason}"))


def told_of(ran: Ran, subject: str) -> Told:
    return {
        check.partition("[")[0]: told
        for check, told in ran.told("shop").items()
        if check.endswith(f"[{subject}]")
    }
