"""The page about probes shows those that are declared."""

from stackproof.probes.graph import markdown
from tests.command_line import ROOT


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "probes.md").read_text(encoding="utf-8")
    assert page.endswith(f"\n{markdown()}\n"), "run scripts/docs"
