"""The progress line of a watch."""

import io
import sys
from collections.abc import Callable

import pytest

from stackproof.cli import live_line
from stackproof.cli.live_line import LiveLine
from stackproof.deploy.prober import Sample


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
    monkeypatch.setattr(live_line, "_INTERVAL_SECONDS", 0)
    monkeypatch.setenv("COLUMNS", "100")

    def draw(*samples: Sample, terminal: bool = True, encoding: str = "utf-8") -> str:
        stream = _Stream(terminal=terminal, encoding=encoding)
        monkeypatch.setattr(sys, "stderr", stream)
        line = LiveLine(list(samples))
        line.draw("the command runs")
        return stream.text()

    return draw


def _sample(route: str, failure: str | None = None) -> Sample:
    return Sample(route, 0, 1, failure, "")  # type: ignore[arg-type]


def test_successes(draw: Callable[..., str]) -> None:
    assert draw(_sample("api"), _sample("web")) == ("\x1b[2K0 s · the command runs · 2 requests\r")


def test_an_outage(draw: Callable[..., str]) -> None:
    shown = draw(
        _sample("web", "5xx"), _sample("api", "reset"), _sample("api", "5xx"), _sample("web")
    )
    assert " · 4 requests · 3 failed (api, web) · api down for " in shown


def test_a_terminal_without_unicode(draw: Callable[..., str]) -> None:
    assert draw(encoding="ascii") == "\x1b[2K0 s, the command runs, 0 requests\r"


def test_nothing_is_drawn_without_a_terminal(draw: Callable[..., str]) -> None:
    assert draw(_sample("api"), terminal=False) == ""


def test_the_line_is_as_wide_as_the_terminal_at_most(
    draw: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert draw(_sample("api")) == "\x1b[2K0 s · the command r\r"
