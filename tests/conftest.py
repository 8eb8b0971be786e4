"""The one option of the project's own tests."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--take-snapshots",
        action="store_true",
        help="keep what the live lab looks like with each fault (scripts/refresh-snapshots)",
    )
