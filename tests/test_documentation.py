"""Links and paths in the Markdown files lead somewhere, and the examples of the README work."""

import re
import runpy
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from stackproof.environment.loader import load
from stackproof.environment.services import Service

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("lab/*.md")])
NGINX = Service(name="nginx", container="shop-nginx")
HISTORY = ROOT / "CHANGELOG.md"
FENCED = re.compile(r"^```.*?^```$", flags=re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
TOP_LEVEL = "src|suites|fixtures|reports|lab|tests|benchmarks|scripts|docs"
PATH = re.compile(rf"`((?:{TOP_LEVEL})/[\w./-]+)`")


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text("utf-8")), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        kept = (c for c in text if c in " -_" or unicodedata.category(c)[0] in "LN")
        found.add("".join(kept).replace(" ", "-"))
    return found


def broken_links(page: Path) -> Iterator[str]:
    """Yield the relative links of a page that lead to no file or no heading."""
    for link in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page: Path) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths(page: Path) -> None:
    if page == HISTORY:
        return
    named = {path.rstrip("/") for path in PATH.findall(page.read_text(encoding="utf-8"))}
    written = {path for path in named if "/out" not in path and not re.search("[A-Z]{4}", path)}

    assert {path for path in written if not (ROOT / path).exists()} == set()


def examples(page: str, language: str) -> list[str]:
    """Return the blocks of a language in a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return found


def test_environments_of_the_first_steps(tmp_path: Path) -> None:
    """The Compose file, the environment that is drafted from it, and one without a Compose file."""
    compose, drafted, alone = examples("docs/getting-started.md", "yaml")
    (tmp_path / "environments").mkdir()
    (tmp_path / "compose.yaml").write_text(compose, encoding="utf-8")
    (tmp_path / ".env").write_text("HTTP_PORT=18090\nDB_USER=platform_admin\n", encoding="utf-8")
    for name, text in (("shop", drafted), ("alone", alone)):
        (tmp_path / "environments" / f"{name}.yaml").write_text(text, encoding="utf-8")
    shop = load("shop", tmp_path / "environments", offline=True)
    assert {*shop.services} == {"proxy", "web", "migrate", "db", "cache"}
    assert shop.services["proxy"].publish == ("18090:80",)
    assert {*load("alone", tmp_path / "environments").services} >= {"nginx", "postgres"}


def test_check_of_the_readme(tmp_path: Path) -> None:
    path = tmp_path / "test_images.py"
    path.write_text(examples("README.md", "python")[0], encoding="utf-8")
    check = runpy.run_path(str(path))["test_registry"]
    creation = SimpleNamespace(image="postgres:16")

    check(NGINX, SimpleNamespace(creation=SimpleNamespace(image="registry.example/web:1")))
    with pytest.raises(AssertionError, match="observed postgres:16"):
        check(NGINX, SimpleNamespace(creation=creation))
