"""The message of a failed check: expected, observed, evidence, and what to do next."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple, Protocol

from stackproof.hint import Hint, texts
from stackproof.printable import uncut_line
from stackproof.secrets import redact


class Named(Protocol):
    """The subject of a check: a service, a route, a datastore."""

    @property
    def name(self) -> str:
        """Its name, as findings print it."""


def subject_name(subject: Named) -> str:
    """Return the name of a subject, or of the instance of a service that it is: `web#1`."""
    return getattr(subject, "instance_name", "") or subject.name


class Difference(NamedTuple):
    """One of several settings of a subject that are not as expected."""

    name: str
    expected: str
    observed: str


def names_of(differences: Iterable[Difference]) -> str:
    """Return the names of settings as the claim of a finding."""
    return " and ".join(each.name for each in differences)


def expected_of(differences: Iterable[Difference]) -> str:
    """Return what is expected of settings, in the order of their names."""
    return ", ".join(each.expected for each in differences)


def observed_of(differences: Iterable[Difference]) -> str:
    """Return what settings are, in the order of their names."""
    return ", ".join(each.observed for each in differences)


@dataclass(frozen=True, repr=False)
class Finding:
    """The message of one failure. Its first line stands alone; the rest helps to fix it."""

    headline: str
    expected: str
    observed: str
    evidence: Mapping[str, str]
    """Texts by title, in reading order."""
    hints: tuple[Hint, ...] = ()
    """What to do next, in this order."""

    def __post_init__(self) -> None:
        """Refuse what is not a text, where it is given: reports could not contain it.

        Raises:
            TypeError: a field is no text.
        """
        for name in ("headline", "expected", "observed"):
            _require_text(name, getattr(self, name))
        if not isinstance(self.evidence, Mapping):
            raise TypeError(f"evidence: expected texts by title, not {_kind(self.evidence)}")
        for title, text in self.evidence.items():
            _require_text("a title of the evidence", title)
            _require_text("evidence", text)
        if wrong := [each for each in self.hints if not isinstance(each, Hint)]:
            raise TypeError(f"hint: expected a text or hints, not {_kind(wrong[0])}")

    def __str__(self) -> str:
        """Return the finding as it is printed."""
        parts = [self.headline]
        for title, text in self.evidence.items():
            lines = text.rstrip("\n").split("\n")
            if len(lines) == 1:
                parts.append(f"  {title}: {lines[0]}")
            else:
                parts += [f"  {title}:", *(f"    {line}".rstrip() for line in lines)]
        return "\n".join([*parts, *texts(self.hints)])

    def __repr__(self) -> str:
        """Return the representation that a traceback shows, without secrets."""
        return redact(f"Finding({self.as_dict()})")

    def as_dict(self) -> dict[str, object]:
        """Return plain values, which xdist workers can send."""
        return asdict(self)


def finding(
    subject: Named,
    claim: str,
    *,
    expected: object,
    observed: object,
    evidence: Mapping[str, object] | None = None,
    hint: str | Hint | Iterable[Hint] = (),
) -> Finding:
    """Build the message of a check's assert.

    A check ends in `assert fine, finding(service, "restarts", ...)`.

    Args:
        subject: the subject of the check; its name starts the first line.
        claim: the verified property, in two or three words.
        expected: the value that the environment file declares.
        observed: the value from the facts; None is printed as `none`.
        evidence: texts by title; entries that are empty or None are left out.
        hint: what to do next. A text is advice; `stackproof.hint` has functions for commands.
    """
    # Each part by itself, so that an escape sequence in one cannot consume the next.
    name, claim = uncut_line(subject_name(subject)), uncut_line(claim)
    expected = uncut_line(expected)
    observed = "none" if observed is None else uncut_line(observed)
    return Finding(
        headline=f"{name} {claim}: expected {expected}, observed {observed}",
        expected=expected,
        observed=observed,
        evidence=_texts(evidence or {}),
        hints=_hints(hint),
    )


def _texts(evidence: Mapping[str, object]) -> Mapping[str, str]:
    if not isinstance(evidence, Mapping):
        return evidence  # refused by `Finding`
    return {k: str(v) for k, v in evidence.items() if v not in (None, "", ())}


def _hints(given: str | Hint | Iterable[Hint]) -> tuple[Hint, ...]:
    if isinstance(given, str):
        given = Hint(given)
    if isinstance(given, Iterable):
        return tuple(filter(None, given))
    return (given,) if given else ()


def _require_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a text, not {_kind(value)}")


def _kind(value: object) -> str:
    return type(value).__name__
