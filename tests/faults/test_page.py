"""The catalogue of checks is what the checks, the faults and their snapshots say."""

from tests.faults.page import FOLDER, pages
from tests.faults.replay import Replays


def test_pages_are_current(replays: Replays) -> None:
    expected = pages(replays)
    for path, text in expected.items():
        assert path.exists(), "write it: scripts/docs"
        assert path.read_text(encoding="utf-8") == text, f"{path}: write it again: scripts/docs"
    assert set(FOLDER.glob("*.md")) <= expected.keys()
