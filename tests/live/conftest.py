"""The lab, up for the tests that are marked live, and looks at it."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from lab import shapes, stack
from lab.shapes import PRODUCTION, Shape, ShapeName
from tests.faults import snapshots
from tests.live.looker import Look, Looker, looking

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def bring_up() -> Iterator[Callable[[ShapeName], Shape]]:
    """Brings a shape up where it is not the one that the test before it had."""

    @lru_cache(maxsize=1)
    def of(name: ShapeName) -> Shape:
        stack.up(shapes.ALL[name])
        return shapes.ALL[name]

    yield of
    stack.up(PRODUCTION)


@pytest.fixture(scope="session")
def looker() -> Iterator[Looker]:
    with looking(*(shape.environment for shape in shapes.ALL.values())) as started:
        yield started


@pytest.fixture
def keep(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> Callable[[Look, str], None]:
    """Where snapshots are to be taken: takes what was seen of a fault, or of none."""

    def take(look: Look, fault: str = "") -> None:
        if request.config.getoption("take_snapshots"):
            name = fault or snapshots.healthy(look.facts.environment)
            path = snapshots.take(name, look.facts)
            with capsys.disabled():
                print(f"\ntook {path.relative_to(ROOT)}, {path.stat().st_size} bytes")

    return take
