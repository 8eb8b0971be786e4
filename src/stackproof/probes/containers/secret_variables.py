"""Environment variables that look like secrets. Their values do not leave this module."""

from collections.abc import Iterable

from stackproof.secrets import is_harmless, is_secret_variable, secret_kind


def secret_variables(variables: Iterable[str]) -> dict[str, str]:
    """Return the names of variables (`NAME=value`) that look like secrets, and why."""
    reasons = {}
    for variable in variables:
        name, _, value = variable.partition("=")
        if reason := _reason(name, value):
            reasons[name] = reason
    return reasons


def _reason(name: str, value: str) -> str | None:
    if is_harmless(value):
        return None
    if kind := secret_kind(value):
        return f"its value is {kind}" if kind.endswith("password") else f"its value holds {kind}"
    return "its name" if is_secret_variable(name) else None
