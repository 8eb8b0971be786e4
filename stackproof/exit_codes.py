"""The exit codes of every command, in one place. See docs/adr/0009-exit-codes.md."""

EXIT_GO = 0
"""A verdict of go was reached in this run."""
EXIT_NO_GO = 1
"""A verdict of no-go was reached in this run."""
EXIT_INTERRUPTED = 2
"""Stopped by Ctrl-C, as in pytest."""
EXIT_INTERNAL_ERROR = 3
"""pytest itself, or a plugin, failed, as in pytest."""
EXIT_USAGE = 4
"""Wrong usage or an invalid environment file, as in pytest."""
EXIT_NOTHING_SELECTED = 5
"""No check was selected, as in pytest."""
EXIT_UNKNOWN = 6
"""No check failed, and at least one could not be evaluated."""
EXIT_OBJECTIVE_MISSED = 7
"""`stackproof watch`: a route was less available than the objective."""
EXIT_DEPLOY_FAILED = 8
"""`gated-deploy`: the stack is right, but the deploy command failed with a code listed here."""


def is_interruption(code: int) -> bool:
    """Tell whether a run ended before its end: by Ctrl-C, or by a signal (128 and its number)."""
    return code == EXIT_INTERRUPTED or code > 128
