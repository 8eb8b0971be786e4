"""The checks of a subject that did not pass: by check, the outcome and the headline."""

from tests.command_line import Ran

Failures = dict[str, tuple[str, str]]


def fail(**lines: str) -> Failures:
    return {check.replace("__", "."): ("FAIL", line) for check, line in lines.items()}


def unknown(reason: str, *checks: str) -> Failures:
    return dict.fromkeys(checks, ("UNKNOWN", f"could not be evaluated: {reason}"))


def failures_of(ran: Ran, subject: str) -> Failures:
    return {
        check.partition("[")[0]: results
        for check, results in ran.results("shop").items()
        if check.endswith(f"[{subject}]")
    }
