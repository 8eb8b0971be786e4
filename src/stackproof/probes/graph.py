"""The probes and their dependencies, in Markdown: `python -m stackproof.probes.graph`."""

from collections.abc import Iterator

from stackproof.probes import snapshot  # noqa: F401 - it imports all probes
from stackproof.probes.declaration import PROBES


def markdown() -> str:
    """Return a graph and a table of all probes."""
    return f"{_graph()}\n\n{_table()}"


def _graph() -> str:
    """Return a Mermaid graph of what needs (line) and what waits for (dotted line) what."""
    return "\n".join(["```mermaid", "graph LR", *sorted(_edges()), "```"])


def _edges() -> Iterator[str]:
    for probe in PROBES.values():
        for needed in probe.needs:
            label = "|all|" if needed.every else "|some|" if needed.condition else ""
            yield f"    {needed.probe.name} -->{label} {probe.name}"
        for other in probe.after:
            yield f"    {other.name} -.-> {probe.name}"


def _table() -> str:
    rows = [
        f"| `{probe.name}` | {probe.of.value} | {f'`{probe.field}`' if probe.field else ''} "
        f"| {probe.doc} |"
        for probe in PROBES.values()
    ]
    head = "| probe | of each | field of the snapshot | what it observes |"
    return "\n".join([head, "| --- | --- | --- | --- |", *sorted(rows)])


if __name__ == "__main__":
    print(markdown())
