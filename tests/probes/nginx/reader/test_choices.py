"""What an evaluation tries, and how much work it may cause."""

import pytest

from stackproof.probes.nginx.configuration import patterns
from stackproof.probes.nginx.routing.choices import Budget, Choices, UnknownError, each_run
from stackproof.unobserved import UnobservedError


def test_each_combination_is_tried_once() -> None:
    def evaluate(choices: Choices) -> tuple[int, ...]:
        first = choices.choose("first", 2, "$a")
        assert choices.choose("first", 2, "$b") == first
        assert choices.choose("alone", 1, "$c") == 0
        if first:
            return first, choices.choose("second", 3, ""), choices.choose("third", 2, "$d")
        return (first,)

    runs = list(each_run(evaluate))
    assert [found for _, found in runs] == [
        (0,), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1), (1, 2, 0), (1, 2, 1),
    ]  # fmt: skip
    assert {choices.unknown for choices, _ in runs} == {"$a"}


def test_nothing_to_choose() -> None:
    [(choices, found)] = each_run(lambda choices: choices.choose("a", 1, "$a"))
    assert (found, choices.unknown) == (0, "")


def test_first_construct_that_is_unknown() -> None:
    def evaluate(choices: Choices) -> None:
        choices.choose("clients get each", 2, "")
        choices.choose("one", 2, "$one")
        choices.choose("other", 2, "$other")

    assert [choices.unknown for choices, _ in each_run(evaluate)] == ["$one"] * 8


def test_most_runs() -> None:
    assert len(list(each_run(lambda choices: choices.choose("a", 64, "")))) == 64
    with pytest.raises(UnobservedError) as raised:
        list(each_run(lambda choices: choices.choose("a", 65, "")))
    assert str(raised.value) == "where the route leads depends on too many unknown values"


def test_unknown_construct() -> None:
    unknown = UnknownError("$cookie_a")
    assert (unknown.construct, str(unknown)) == (
        "$cookie_a",
        "where the route leads depends on $cookie_a, which is unknown",
    )


TOO_LONG = "nginx's configuration takes too long to be evaluated"


def test_most_directives() -> None:
    budget = Budget()
    budget.spend(999_999)
    budget.spend()
    with pytest.raises(UnobservedError) as raised:
        budget.spend()
    assert str(raised.value) == TOO_LONG


def test_most_steps_of_expressions() -> None:
    budget = Budget()
    budget.spend(999_998)
    # It counts as a directive, and a step for each place where it could begin: 20 and 20.
    assert budget.search("b", "a" * 19) is None
    budget.spend(0)
    with pytest.raises(UnobservedError, match=f"^{TOO_LONG}$"):
        budget.search("b", "a" * 19)


def test_steps_of_an_expression_that_is_not_evaluated() -> None:
    """Its own message says why, and the others are read."""
    budget = Budget()
    for _ in range(18):
        with pytest.raises(UnobservedError, match="cannot be evaluated safely"):
            budget.search("(a*)*", "a")
    budget.spend((20_000_000 - 18 * (20 + patterns.MAX_STEPS)) // 20)
    with pytest.raises(UnobservedError, match=TOO_LONG):
        budget.spend()


def test_a_search_ignores_case_only_if_asked() -> None:
    assert Budget().search("A", "a") is None
    assert Budget().search("A", "a", ignore_case=True)
