"""Which environments an expression selects: those that a check must belong to."""

import pytest

from stackproof.fixtures.session.selection import selected

KNOWN = ("lab", "prod", "my.env")
SUITES = ("routes", "tls", "nginx")


@pytest.mark.parametrize(
    ("expression", "environments"),
    [
        ("", ()),
        ("routes", ()),
        ("lab", ("lab",)),
        ("my.env", ("my.env",)),
        ("lab or prod", ("lab", "prod")),
        ("routes and (prod or lab)", ("lab", "prod")),
        ("prod and not lab", ("prod",)),
        ("lab and not prod or prod and not lab", ("lab", "prod")),
        ("not lab", ()),
        ("not (lab)", ()),
        ("not lab and routes", ()),
        ("not lab or routes", ()),
        ("lab and prod", ()),
        ("lab and not lab", ()),
        ("not (not lab)", ("lab",)),
        ("not (routes or not lab)", ("lab",)),
        ("lab and (routes or not routes)", ("lab",)),
        ("routes and tls and lab", ()),
        ("lab or not routes", ("lab",)),
        ("lab(x=1)", ()),
        ("lab and " + " and ".join(f"not m{number}" for number in range(40)), ("lab",)),
    ],
)
def test_selected(expression: str, environments: tuple[str, ...]) -> None:
    assert selected(expression, KNOWN, SUITES) == environments
