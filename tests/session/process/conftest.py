"""Stacks of one route."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.probes.http.sites import serving
from tests.session.process.one_route import declare


@pytest.fixture(params=[200, 500], ids=["healthy", "failing"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, str]]:
    """The exit code that a stack of one route deserves, and the option that leads to it."""
    with serving(lambda _: (request.param, {}, b"")) as site:
        yield int(request.param != 200), declare(tmp_path, f"http://{site.address}/")


@pytest.fixture
def healthy(tmp_path: Path) -> Iterator[str]:
    with serving(lambda _: (200, {}, b"")) as site:
        yield declare(tmp_path, f"http://{site.address}/")
