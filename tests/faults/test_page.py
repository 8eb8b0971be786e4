"""The page of checks is what the checks, the faults and their snapshots say."""

from tests.faults.page import PATH, page
from tests.faults.replay import Replays


def test_page_is_current(replays: Replays) -> None:
    assert page(replays) == PATH.read_text(encoding="utf-8"), "write it anew: scripts/docs"
