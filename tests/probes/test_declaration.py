"""A wrong declaration of a probe fails where it is written."""

import pytest

from stackproof.probes.declaration import (
    ENVIRONMENT,
    NGINX,
    ROUTE,
    SERVICE,
    Target,
    probe,
)

pytestmark = pytest.mark.usefixtures("own_declarations")


def test_names_and_fields_are_unique() -> None:
    @probe("curious", of=SERVICE)
    def one(_: Target) -> str:
        return ""

    with pytest.raises(TypeError, match=r"^two probes are named 'one'$"):
        probe(of=SERVICE)(one.observe)
    with pytest.raises(TypeError, match=r"^probe two: one has the field 'curious'$"):
        probe("curious", of=SERVICE, name="two")(one.observe)


def test_arguments_must_fit_the_needs() -> None:
    @probe(of=ENVIRONMENT)
    def one(_: Target) -> str:
        return ""

    def two(_: Target) -> str:
        return ""

    differ = "^probe two: its arguments and its needs differ: "
    with pytest.raises(TypeError, match=f"{differ}too many"):
        probe(of=ENVIRONMENT, needs=[one])(two)
    with pytest.raises(TypeError, match=f"{differ}missing"):
        probe(of=ENVIRONMENT, name="two")(lambda _, one: one)


def test_targets_must_fit() -> None:
    @probe(of=SERVICE)
    def one(_: Target) -> str:
        return ""

    def two(_: Target, one: str) -> str:
        return one

    probe(of=NGINX, needs=[one])(two)  # its service
    with pytest.raises(TypeError, match=r"^probe x of each route needs one, which is of each serv"):
        probe(of=ROUTE, needs=[one], name="x")(two)


def test_a_kept_value_needs_a_type() -> None:
    with pytest.raises(TypeError, match=r"^probe x: the snapshot needs to know the type"):
        probe("xs", of=SERVICE, name="x")(lambda _: "")
