"""The timeline of a watch as an SVG image: one row per route, with its outages marked."""

from collections.abc import Iterator
from datetime import datetime
from html import escape
from itertools import groupby

from stackproof.reports.availability.model import Outage, RouteAvailability, Slice, Watch
from stackproof.reports.availability.text import format_duration, format_percent, headline

_LEFT, _PLOT, _RIGHT = 180, 640, 260
_TOP, _ROW, _STRIP = 96, 40, 12
_CURVE = _ROW - _STRIP - 10
_COLOURS = {"right": "#2da44e", "mixed": "#fb8500", "failed": "#cf222e", "unseen": "#8c959f"}
_LEGEND = {
    "right": "successful",
    "mixed": "some failed",
    "failed": "failed",
    "unseen": "no result",
}
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_MOST_TICKS = 12


def draw(watch: Watch) -> str:
    """Return the image, which refers to no other file."""
    return "\n".join(_Drawing(watch).lines()) + "\n"


class _Drawing:
    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._bottom = _TOP + _ROW * len(watch.routes)
        answered = [part.slowest_ms for route in watch.routes for part in route.slices]
        self._slowest_ms = max(answered, default=0) or 1

    def lines(self) -> Iterator[str]:
        watch = self._watch
        width, height = _LEFT + _PLOT + _RIGHT, self._bottom + 74
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" '
            f'font-family="system-ui, sans-serif" font-size="12" fill="#1f2328">'
        )
        yield f"<title>{escape(headline(watch))}</title>"
        yield f'<rect width="{width}" height="{height}" fill="#fff"/>'
        yield _text(16, 28, headline(watch), 'font-size="15" font-weight="600"')
        yield _text(16, 48, f"{_clipped(watch.command)}", 'font-family="monospace"')
        yield from self._axis()
        for number, route in enumerate(watch.routes):
            yield from self._row(route, _TOP + number * _ROW)
        yield from self._command()
        yield from self._legend(self._bottom + 58)
        yield "</svg>"

    def _x(self, moment: datetime) -> float:
        seconds = (moment - self._watch.began).total_seconds()
        share = seconds / (self._watch.duration_s or 1)
        return round(_LEFT + _PLOT * min(1, max(0, share)), 1)

    def _axis(self) -> Iterator[str]:
        duration = self._watch.duration_s
        step = next((s for s in _STEPS if duration / s <= _MOST_TICKS), _STEPS[-1])
        for number in range(int(duration / step) + 1):
            x = round(_LEFT + _PLOT * number * step / (duration or 1), 1)
            yield f'<path d="M{x} {_TOP}V{self._bottom}" stroke="#eaeef2"/>'
            label = f"{number * step:g} s"
            yield _text(x, self._bottom + 16, label, 'text-anchor="middle" fill="#656d76"')
        began = f"0 s is {self._watch.began:%Y-%m-%d %H:%M:%S} UTC"
        yield _text(_LEFT, self._bottom + 34, began, 'fill="#656d76"')

    def _command(self) -> Iterator[str]:
        watch = self._watch
        for moment, label, side in (
            (watch.command_began, "the command begins", "start"),
            (watch.command_ended, "ends", "start"),
        ):
            if moment is not None:
                x = self._x(moment)
                dashed = 'stroke="#0969da" stroke-dasharray="4 3"'
                yield f'<path d="M{x} {_TOP - 18}V{self._bottom}" {dashed}/>'
                high = _TOP - (22 if moment == watch.command_began else 8)
                yield _text(x + 4, high, label, f'text-anchor="{side}" fill="#0969da"')

    def _row(self, route: RouteAvailability, top: float) -> Iterator[str]:
        yield _text(16, top + _ROW - 12, route.route)
        base = top + _ROW - _STRIP - 4
        yield from self._strip(route, base)
        yield from self._curve(route, base - 2)
        for outage in route.outages:
            yield from self._outage(outage, top)
        yield _text(_LEFT + _PLOT + 12, top + _ROW - 12, _result(route))

    def _strip(self, route: RouteAvailability, top: float) -> Iterator[str]:
        wide = _PLOT / max(1, len(route.slices))
        at = 0
        for colour, parts in groupby(map(_colour, route.slices)):
            number = len(list(parts))
            if colour:
                yield (
                    f'<rect x="{_LEFT + at * wide:.1f}" y="{top}" width="{number * wide:.1f}" '
                    f'height="{_STRIP}" fill="{colour}"/>'
                )
            at += number

    def _curve(self, route: RouteAvailability, base: float) -> Iterator[str]:
        """Draw the slowest success of each slice; all routes share one scale."""
        wide = _PLOT / max(1, len(route.slices))
        numbered = enumerate(route.slices)
        for answered, parts in groupby(numbered, key=lambda each: bool(each[1].right)):
            points = [
                f"{_LEFT + (at + 0.5) * wide:.1f},"
                f"{base - _CURVE * part.slowest_ms / self._slowest_ms:.1f}"
                for at, part in parts
            ]
            if answered:
                yield f'<polyline points="{" ".join(points)}" fill="none" stroke="#57606a"/>'

    def _outage(self, outage: Outage, top: float) -> Iterator[str]:
        x = self._x(outage.began)
        wide = max(2.0, self._x(outage.ended or self._watch.ended) - x)
        kinds = ", ".join(f"{number} {kind}" for kind, number in outage.failures.items())
        yield (
            f'<rect x="{x}" y="{top + 2}" width="{wide:.1f}" height="{_ROW - 4}" '
            f'fill="{_COLOURS["failed"]}" fill-opacity="0.2" stroke="{_COLOURS["failed"]}">'
            f"<title>{escape(format_duration(outage))}: {escape(kinds)}</title></rect>"
        )
        style = f'font-size="10" fill="{_COLOURS["failed"]}"'
        yield _text(x + wide + 3, top + 12, format_duration(outage), style)

    def _legend(self, y: float) -> Iterator[str]:
        x = float(_LEFT)
        for kind, label in _LEGEND.items():
            yield (
                f'<rect x="{x}" y="{y - 10}" width="12" height="{_STRIP}" fill="{_COLOURS[kind]}"/>'
            )
            yield _text(x + 18, y, label)
            x += 130
        curve = f"line: slowest success, up to {self._slowest_ms:.0f} ms"
        yield _text(x, y, curve, 'fill="#57606a"')


def _colour(part: Slice) -> str:
    if part.failed:
        return _COLOURS["mixed" if part.right else "failed"]
    if part.unseen:
        return _COLOURS["unseen"]
    return _COLOURS["right"] if part.right else ""


def _result(route: RouteAvailability) -> str:
    parts = [format_percent(route.availability)]
    if route.outages:
        parts.append(f"down for {sum(outage.seconds for outage in route.outages):.2f} s")
    if route.unseen:
        parts.append(f"{route.unseen} without a result")
    return ", ".join(parts)


def _clipped(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:119]}…"


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'.replace(" >", ">")
