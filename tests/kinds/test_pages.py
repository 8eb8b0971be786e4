"""The documentation of the kinds is up to date: `scripts/docs` writes it."""

import pytest

from tests.command_line import ROOT
from tests.kinds import pages


@pytest.mark.parametrize("name", pages.PAGES)
def test_page(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == pages.page(name)
