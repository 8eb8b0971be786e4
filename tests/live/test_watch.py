"""What a watch says of a restart and of a graceful deploy is what another prober saw."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from lab import address, deploy, stack
from lab.engine.daemon import docker
from lab.shapes import PRODUCTION, Shape
from stackproof.reports.availability.model import RouteAvailability, Watch
from tests.live.independent import Independent

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
WATCH_SECONDS = 180
OF_THE_API = {"api", "api-health"}


class Watched:
    """One watch of the lab, and what the independent prober saw meanwhile."""

    def __init__(self, folder: Path, *command: str) -> None:
        with Independent(address.load().http_port) as self.other:
            done = subprocess.run(
                [
                    sys.executable, "-m", "stackproof", "watch", "lab", f"--output={folder}",
                    "--", *command,
                ],
                cwd=ROOT, capture_output=True, text=True, timeout=WATCH_SECONDS, check=False,
            )  # fmt: skip
        self.exit_code, self.output = done.returncode, done.stdout + done.stderr
        written = (folder / "lab" / "watch.json").read_text(encoding="utf-8")
        self.watch = Watch.model_validate_json(written)
        self.routes = {route.route: route for route in self.watch.routes}
        assert json.loads(written)["version"] == 1

    @property
    def others(self) -> list[RouteAvailability]:
        return [each for name, each in self.routes.items() if name not in OF_THE_API]


@pytest.fixture
def lab(bring_up: Callable[[str], Shape]) -> None:
    # Containers that the previous test restarted are recreated.
    stack.up(bring_up("prod"))


@pytest.mark.parametrize("turn", range(5))
def test_a_restart_of_the_api_is_an_outage_of_its_true_length(
    lab: None, tmp_path: Path, turn: int
) -> None:
    seen = Watched(tmp_path, "docker", "restart", "vpn-api")
    assert (seen.exit_code, seen.watch.command_exit_code) == (7, 0), seen.output
    began, ended = seen.other.outage()
    at_least, at_most = seen.other.bounds()
    # By as much as either of the two was held up, neither knows the truth.
    busy = seen.watch.longest_lag_s + seen.other.longest_lag
    for name in sorted(OF_THE_API):
        outage = max(seen.routes[name].outages, key=lambda outage: outage.seconds)
        off = outage.seconds - (ended - began)
        print(f"{name}: {outage.seconds:.3f} s, truly {ended - began:.3f} s, off by {off:+.3f} s")
        print(f"busy: {busy:.3f} s\n{seen.output}")
        assert outage.at_least <= at_most
        assert at_least <= outage.at_most
        assert abs(off) <= 0.2 + busy
        assert abs(_seconds(outage.began) - began) <= 0.2 + busy
        assert abs(_seconds(outage.ended) - ended) <= 0.2 + busy
        [instance] = seen.routes[name].instances
        assert instance.before
    assert [(each.route, each.failures) for each in seen.others if each.failures] == []
    assert seen.output.startswith("vpn-api\n")
    assert "<svg" in (tmp_path / "lab" / "watch.svg").read_text(encoding="utf-8")


def test_a_graceful_deploy_has_no_outage_and_two_instances(lab: None, tmp_path: Path) -> None:
    old = docker("inspect", "--format={{.Config.Hostname}}", "vpn-api").strip()
    deploying = "from lab import deploy; deploy.blue_green('api', 'watched')"
    try:
        seen = Watched(tmp_path, sys.executable, "-c", deploying)
    finally:
        deploy.restore()
    print(seen.output)
    assert seen.exit_code == 0, seen.output
    assert seen.other.failed == []
    assert seen.watch.availability == 100
    assert [outage for route in seen.watch.routes for outage in route.outages] == []
    labels = {"project": PRODUCTION.project, "service": "api"}
    filters = [f"--filter=label=com.docker.compose.{key}={labels[key]}" for key in labels]
    [container] = docker("ps", "--quiet", *filters).split()
    new = docker("inspect", "--format={{.Config.Hostname}}", container).strip()
    for name in OF_THE_API:
        results = [(each.instance, each.before) for each in seen.routes[name].instances]
        assert results == [(old, True), (new, False)]
        assert seen.routes[name].instances[1].last > seen.routes[name].instances[0].last
    [proxy] = seen.routes["health"].instances
    assert proxy.before


def _seconds(moment: datetime | None) -> float:
    assert moment is not None
    return moment.timestamp()
