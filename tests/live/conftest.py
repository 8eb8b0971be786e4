"""The lab for the tests that are marked live, and sessions that verify it."""

import shutil
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from lab import OUT, address, deploy, shapes, stack
from lab.shapes import KINDS, PRODUCTION, PROXIES, Shape, ShapeName
from tests.command_line import ROOT, Ran, run
from tests.faults import snapshots
from tests.live.warm_session import Observation, WarmSession, start

LAB_FILE = ROOT / "environments" / "lab.yaml"
SERVICES = ("api", "web", "nginx")
DEPLOYED = f"--services={','.join(SERVICES)}"
_GATE_SECONDS = 180

Gate = Callable[..., Ran]


@pytest.fixture(scope="session")
def bring_up() -> Iterator[Callable[[ShapeName], Shape]]:
    """Brings a shape up where it is not the one that the test before it had."""
    used = set[ShapeName]()

    @lru_cache(maxsize=1)
    def of(name: ShapeName) -> Shape:
        used.add(name)
        stack.up(shapes.ALL[name])
        return shapes.ALL[name]

    yield of
    beside = {each.name: each for each in (KINDS, PROXIES)}
    for name in used & beside.keys():
        stack.take_down(beside[name])
    if used - beside.keys():
        stack.up(PRODUCTION)


@pytest.fixture(scope="session")
def warm_session() -> Iterator[WarmSession]:
    with start(*(shape.environment for shape in shapes.ALL.values())) as started:
        yield started


@pytest.fixture
def keep(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> Callable[[Observation, str], None]:
    """Where snapshots are to be taken: takes what was seen of a fault, or of none."""

    def take(observation: Observation, fault: str = "") -> None:
        if request.config.getoption("take_snapshots"):
            name = fault or snapshots.healthy(observation.facts.environment)
            path = snapshots.take(name, observation.facts)
            with capsys.disabled():
                print(f"\ntook {path.relative_to(ROOT)}, {path.stat().st_size} bytes")

    return take


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """The gates, in the lab with a baseline; what was deployed is undone at the end."""

    def judge(name: str, *options: str) -> Ran:
        ran = run(
            tmp_path, "-m", "lab", f"--gate={name}", *options,
            variables=address.variables(PRODUCTION), deadline=_GATE_SECONDS,
        )  # fmt: skip
        print(ran.output, ran.errors)
        return ran

    stack.up()
    judge("pre", DEPLOYED)
    try:
        yield judge
    finally:
        deploy.restore()
        stack.up()


def another_lab(folder: Path, *changes: tuple[str, str], more: str = "") -> str:
    """The option that has the lab's environment file with changes, and more at its end."""
    text = LAB_FILE.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return environments_of(folder, f"{text}{more}")


def environments_of(folder: Path, lab: str) -> str:
    """The option that has this text for the lab's environment file, and the others as they are."""
    shutil.copytree(LAB_FILE.parent, folder, dirs_exist_ok=True)
    (folder / LAB_FILE.name).write_text(lab.replace("../lab/out", str(OUT)), encoding="utf-8")
    return f"--environments={folder}"
