"""The options of the project's own tests, and what all of them need."""

import signal

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--take-snapshots",
        action="store_true",
        help="keep what the live lab looks like with each fault (scripts/refresh-snapshots)",
    )
    parser.addoption(
        "--suite",
        default="",
        help="in tests/faults/test_findings.py: replay only the checks of one suite",
    )


def pytest_configure() -> None:
    # A shell has what it runs in the background ignore SIGINT, and so would all that tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
