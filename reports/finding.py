"""What a failure says: what was expected, what was observed, the evidence, what to do next."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

from stackproof.printable import in_full
from stackproof.secrets import redact


class Named(Protocol):
    """A subject of a check: a service, a route, a datastore."""

    @property
    def name(self) -> str:
        """What a finding calls it."""


@dataclass(frozen=True, repr=False)
class Finding:
    """One failure. Its first line stands alone; the rest is for whoever must mend it."""

    headline: str
    expected: str
    observed: str
    evidence: Mapping[str, str]
    """Title to text, in the order in which they are to be read."""
    hint: str

    def __str__(self) -> str:
        """The whole of it, as it is printed."""
        parts = [self.headline]
        for title, text in self.evidence.items():
            lines = text.rstrip("\n").split("\n")
            if len(lines) == 1:
                parts.append(f"  {title}: {lines[0]}")
            else:
                parts += [f"  {title}:", *(f"    {line}".rstrip() for line in lines)]
        if self.hint:
            parts.append(f"hint: {self.hint}")
        return "\n".join(parts)

    def __repr__(self) -> str:
        """As a traceback shows it, without secrets."""
        return redact(f"Finding({self.as_dict()})")

    def as_dict(self) -> dict[str, object]:
        """Plain values only, so that it travels between xdist workers."""
        return asdict(self)


def finding(
    subject: Named,
    claim: str,
    *,
    expected: object,
    observed: object,
    evidence: Mapping[str, object] | None = None,
    hint: str = "",
) -> Finding:
    """Build the message of a check's assert.

    A check ends in `assert fine, finding(service, "restarts", ...)`.

    Args:
        subject: what was looked at; its name starts the first line.
        claim: what was verified of it, in two or three words.
        expected: what the environment file declares.
        observed: what the facts say; None reads as `none`.
        evidence: title to text; entries that are empty or None are left out.
        hint: the command that an operator runs next.
    """
    # Each by itself: one part may not take along the next one.
    due, seen = in_full(expected), "none" if observed is None else in_full(observed)
    return Finding(
        headline=f"{in_full(subject.name)} {in_full(claim)}: expected {due}, observed {seen}",
        expected=due,
        observed=seen,
        evidence={k: str(v) for k, v in (evidence or {}).items() if v not in (None, "", ())},
        hint=hint,
    )
