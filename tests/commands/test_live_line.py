"""The line that is drawn while a command is watched."""

import io
import sys
from collections.abc import Callable

import pytest

from commands import live_line
from commands.live_line import LiveLine
from fixtures.probing import Probe


class _Stream(io.TextIOWrapper):
    def __init__(self, *, terminal: bool, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setattr(live_line, "_EVERY_SECONDS", 0)
    monkeypatch.setenv("COLUMNS", "100")

    def draw(*probes: Probe, terminal: bool = True, encoding: str = "utf-8") -> str:
        stream = _Stream(terminal=terminal, encoding=encoding)
        monkeypatch.setattr(sys, "stderr", stream)
        line = LiveLine(list(probes))
        line.draw("the command runs")
        return stream.text()

    return draw


def _probe(route: str, wrong: str | None = None) -> Probe:
    return Probe(route, 0, 1, wrong, "")  # type: ignore[arg-type]


def test_all_is_well(draw: Callable[..., str]) -> None:
    assert draw(_probe("api"), _probe("web")) == ("\x1b[2K0 s · the command runs · 2 requests\r")


def test_a_route_is_down(draw: Callable[..., str]) -> None:
    shown = draw(_probe("web", "5xx"), _probe("api", "reset"), _probe("api", "5xx"), _probe("web"))
    assert " · 4 requests · 3 failed (api, web) · api down for " in shown


def test_what_a_terminal_cannot_print_is_not_printed(draw: Callable[..., str]) -> None:
    assert draw(encoding="ascii") == "\x1b[2K0 s, the command runs, 0 requests\r"


def test_it_is_for_terminals_only(draw: Callable[..., str]) -> None:
    assert draw(_probe("api"), terminal=False) == ""


def test_it_is_one_line(draw: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert draw(_probe("api")) == "\x1b[2K0 s · the command r\r"
