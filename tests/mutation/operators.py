"""Which changes are made to the code: those of cosmic-ray that say something, and three more.

cosmic-ray replaces each operator by every other one. Most of those mutants raise a `TypeError`,
which any test detects, so only the nearest replacement is used. It does not touch texts and
arguments, where a hint or a piece of evidence gets lost.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator

_CORE = (
    "AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr",
    "ReplaceOrWithAnd", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak",
    "ExceptionReplacer", "NumberReplacer", "RemoveDecorator", "ZeroIterationForLoop",
    "ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_Delete_USub",
    "ReplaceComparisonOperator_Eq_NotEq", "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceComparisonOperator_Lt_LtE", "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_Gt_GtE", "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceBinaryOperator_Add_Sub", "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBinaryOperator_Mul_Div", "ReplaceBinaryOperator_Div_Mul",
    "ReplaceBinaryOperator_BitOr_BitAnd", "ReplaceBinaryOperator_BitAnd_BitOr",
)  # fmt: skip
Positions = Iterator[tuple[tuple[int, int], tuple[int, int]]]


class _Own(Operator):  # type: ignore[misc]
    @classmethod
    def examples(cls) -> Sequence[Any]:
        return ()


class RemoveKeywordArgument(_Own):
    """Leaves out one keyword argument of a call."""

    def mutation_positions(self, node: Any) -> Positions:
        for argument in _keyword_arguments(node):
            yield argument.start_pos, argument.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        if len(node.children) > 1 and node.type == "arglist":
            argument = _keyword_arguments(node)[index]
            place = node.children.index(argument)
            del node.children[place : place + 2]
        else:
            node.children = [each for each in node.children if each.type != "argument"]
        return node


class RemoveDictItem(_Own):
    """Leaves out one item of a dict that is written out."""

    def mutation_positions(self, node: Any) -> Positions:
        for key in [node.children[place] for place in _dict_items(node)]:
            yield key.start_pos, key.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        place = _dict_items(node)[index]
        del node.children[place : place + 4]
        return node


class ReplaceText(_Own):
    """Puts other characters into a text, which is no docstring."""

    def mutation_positions(self, node: Any) -> Positions:
        if _is_text(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002
        opening = node.children[0] if node.type == "fstring" else node
        quote = '"""' if '"""' in opening.value else node.get_code().strip()[-1]
        start = opening.value.index(quote) + len(quote)
        opening.value = f"{opening.value[:start]}XX{opening.value[start:]}"
        return node


def operators() -> dict[str, Operator]:
    """Return every operator by its name."""
    core = {name: get_operator(f"core/{name}")() for name in _CORE}
    return core | {
        each.__name__: each() for each in (RemoveKeywordArgument, RemoveDictItem, ReplaceText)
    }


def _keyword_arguments(node: Any) -> list[Any]:
    if node.type == "arglist":
        return [each for each in node.children if _is_keyword_argument(each)]
    if node.type == "trailer" and node.children[0].value == "(":
        return [each for each in node.children[1:-1] if _is_keyword_argument(each)]
    return []


def _is_keyword_argument(node: Any) -> bool:
    return bool(
        node.type == "argument"
        and node.children[1].type == "operator"
        and node.children[1].value == "="
    )


def _dict_items(node: Any) -> list[int]:
    """Return the places of the keys among the children of a dict."""
    if node.type != "dictorsetmaker":
        return []
    leaves = [getattr(each, "value", "") for each in node.children]
    return [place - 1 for place, value in enumerate(leaves) if value == ":" and "for" not in leaves]


def _is_text(node: Any) -> bool:
    is_docstring = node.parent is not None and node.parent.type == "simple_stmt"
    return node.type == "fstring" or (node.type == "string" and not is_docstring)
