"""Ctrl-C while the stack is being looked at leaves a verdict that says so, over any older one."""

from pathlib import Path
from threading import Event

import pytest
import yaml

from tests.fixtures.sites import Answer, serving
from tests.suites.command_line import interrupted


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])
def test_before_the_first_check_has_run(tmp_path: Path, workers: tuple[str, ...]) -> None:
    asked, done = Event(), Event()

    def answer(_: str) -> Answer:
        asked.set()
        done.wait(20)
        return 200, {}, b""

    written = tmp_path / "out"
    older = written / "shop" / "verdict.json"
    older.parent.mkdir(parents=True)
    older.write_text('{"verdict": "go"}', encoding="utf-8")
    with serving(answer) as site:
        environment = {
            "services": {"api": {}},
            "routes": {"home": {"url": f"http://{site.address}/", "service": "api"}},
        }
        (tmp_path / "shop.yaml").write_text(yaml.safe_dump(environment), encoding="utf-8")
        options = ("-m", "shop and routes", f"--environments={tmp_path}")
        ran = interrupted(written, *options, *workers, once=asked)
        done.set()
    assert ran.exit_code == 2, ran.output
    verdict = ran.verdict("shop")
    assert (verdict["verdict"], verdict["interrupted"], verdict["checks"]) == ("unknown", True, [])
    assert "shop: UNKNOWN — 0 checks, interrupted (" in ran.output
