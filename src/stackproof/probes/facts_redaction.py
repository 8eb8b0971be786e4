"""Redaction of facts: without secrets, but with the same verdict.

Facts are redacted as soon as they are gathered, so that no check, no file and no traceback holds
a secret, and so that a run and its replay are based on the same facts.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stackproof.environment.model import Environment
from stackproof.environment.responses import ExpectedContent
from stackproof.environment.services import service_of
from stackproof.facts.command import CommandResult
from stackproof.facts.response import Response
from stackproof.facts.snapshot import Facts
from stackproof.frozen import Frozen
from stackproof.printable import printable
from stackproof.probes.http.content import field_text, parse_json
from stackproof.secrets import REDACTED, Mark, Redaction, is_harmless, is_secret_name
from stackproof.unobserved import Unobserved

_OURS = frozenset(
    {"environment", "run", "ended", "failure", "cgroup_version", "product", "not_enforced"}
)
"""Fields with nothing from the target."""
_TEXTS = frozenset(
    {"body", "output", "log_tail", "error", "reason", "line", "problem", "blind", "refused"}
)
"""Fields that people read. All others are names: different names must stay different."""
_MARKS = (REDACTED, "***", "(hidden)")


class FactsRedaction:
    """The redaction of one environment's facts. In names, a secret has the same mark everywhere."""

    def __init__(self, environment: Environment) -> None:
        """Store the environment: what it expects of a response is not redacted there."""
        self._environment = environment
        self._redaction = Redaction(lambda _: REDACTED)
        self._numbers: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def redact(self, facts: Facts) -> Facts:
        """Return the facts without their secrets."""
        routes, services = self._environment.routes, self._environment.services
        responses = {
            name: self._response(fact, routes[name].identity, routes[name].healthy)
            if name in routes
            else self._response(fact)
            for name, fact in facts.responses.items()
        }
        answers = {}
        for name, fact in facts.answers.items():
            service = services.get(service_of(name.partition(" ")[2]))
            answers[name] = self._response(fact, service.health if service else None)

        def respond(name: str, fact: Response | Unobserved) -> Any:
            return self._response(fact, self._environment.requests.get(name))

        special: dict[str, Any] = {
            "responses": responses,
            "answers": answers,
            "declared_requests": {
                service: self._each(found, respond)
                for service, found in facts.declared_requests.items()
            },
            "declared_commands": {
                service: self._each(found, self._command)
                for service, found in facts.declared_commands.items()
            },
        }
        rest: Facts = self._any(facts.model_copy(update={field: {} for field in special}))
        return rest.model_copy(update=special)

    def _each(
        self, found: Mapping[str, Any] | Unobserved, redact: Callable[[str, Any], Any]
    ) -> Any:
        if isinstance(found, Unobserved):
            return self._model(found)
        return {name: redact(name, fact) for name, fact in found.items()}

    def _command(self, name: str, result: CommandResult | Unobserved) -> Any:
        """Return a redacted result that still has the text that is expected of it."""
        redacted = self._model(result)
        if name in self._environment.commands and isinstance(result, CommandResult):
            command = self._environment.commands[name]
            texts = [ExpectedContent(text=each) for each in (command.text, command.no_text) if each]
            redacted = redacted.model_copy(update={"output": self._body(result.output, texts)})
        return redacted

    def _any(self, value: Any, *, is_text: bool = False) -> Any:
        redacted: Any = value
        if isinstance(value, str):
            redacted = self._text(value) if is_text else self._name(value)
        elif isinstance(value, Frozen):
            redacted = self._model(value)
        elif isinstance(value, Mapping):
            redacted = {
                self._any(key): self._any(each, is_text=is_text) for key, each in value.items()
            }
        elif isinstance(value, tuple):
            redacted = tuple(self._any(each, is_text=is_text) for each in value)
        return redacted

    def _model(self, model: Frozen) -> Frozen:
        changes: dict[str, Any] = {}
        for field, value in model:
            if field in _OURS or value is None:
                continue
            if field == "log_tail":
                # All of it at once: a key goes over several lines.
                redacted: Any = tuple(self._text("\n".join(value)).split("\n")) if value else value
            else:
                redacted = self._any(value, is_text=field in _TEXTS)
            if redacted != value:
                changes[field] = redacted
        return model.model_copy(update=changes) if changes else model

    def _text(self, text: str) -> str:
        # Retries redact the facts of the earlier attempts again.
        if text not in self._texts:
            self._texts[text] = self._replaced(text)
        return self._texts[text]

    def _replaced(self, text: str, mark: Mark | None = None) -> str:
        redacted = self._redaction.replace(text, mark)
        plain = printable(text)
        if plain == text:
            return redacted
        # A control character can be within a secret. If none is, the text keeps them.
        found = self._redaction.replace(plain, mark)
        return redacted if printable(redacted) == found else found

    def _name(self, name: str) -> str:
        if name not in self._names:
            self._names[name] = self._replaced(name, self._numbered)
        return self._names[name]

    def _numbered(self, secret: str) -> str:
        """Return a mark without brackets, which hosts, paths and patterns cannot contain."""
        return f"REDACTED-{self._numbers.setdefault(secret, len(self._numbers) + 1)}"

    def _response(self, response: Response | Unobserved, *expected: ExpectedContent | None) -> Any:
        """Return a redacted response that still has everything that is expected of it."""
        if isinstance(response, Unobserved):
            return self._model(response)
        contents = [each for each in expected if each]
        headers = {
            self._name(name): self._header(
                name, value, {text for each in contents for text in each.headers.values()}
            )
            for name, value in response.headers.items()
        }
        return response.model_copy(
            update={
                "hops": self._any(response.hops),
                "headers": headers,
                "body": self._body(response.body, contents),
                "error": response.error and self._text(response.error),
            }
        )

    def _header(self, name: str, value: str, expected: set[str]) -> str:
        if value in expected or is_harmless(value):
            return value
        if is_secret_name(name, assigned=True):
            return REDACTED
        return self._name(value) if name.lower() == "location" else self._text(value)

    def _body(self, body: str, contents: Sequence[ExpectedContent]) -> str:
        if not contents:
            return self._text(body)
        texts = [each.text for each in contents if each.text and each.text in body]
        absent = [each.text for each in contents if each.text and each.text not in body]
        default = next(
            (mark for mark in _MARKS if not any(t in mark or mark in t for t in absent)), ""
        )
        parsed = _json(body)
        fields = {
            name: value
            for each in contents
            for name, value in each.fields.items()
            if field_text(parsed, name) == value
        }

        def mark(secret: str) -> str:
            return secret if _unescaped(secret) in fields.values() else default

        redacted = self._replaced(body, mark)
        if any(text not in redacted for text in texts):
            redacted = self._replaced(body, lambda secret: _around(secret, texts, mark(secret)))
        after = _json(redacted)
        if any(field_text(after, name) != value for name, value in fields.items()):
            whole = self._redaction.replace_json(parsed, mark)
            for name in fields:
                _put(whole, parsed, name.split("."))
            redacted = json.dumps(whole, ensure_ascii=False)
        return redacted


def _json(body: str) -> Any:
    try:
        return parse_json(body)
    except (ValueError, RecursionError):
        return None


def _unescaped(secret: str) -> str:
    value = _json(f'"{secret}"')
    return value if isinstance(value, str) else secret


def _around(secret: str, texts: Sequence[str], mark: str) -> str:
    """Return the mark, next to the parts of the secret that belong to one of the expected texts."""
    for text in texts:
        if secret in text:
            return secret
        if text in secret:
            return f"{mark}{text}{mark}"
    start = max(_overlap(text, secret) for text in texts)
    end = max(_overlap(secret, text) for text in texts)
    return secret[:start] + mark + (secret[-end:] if end else "")


def _overlap(first: str, second: str) -> int:
    """Return the length of the longest end of one text that is a start of another."""
    longest = min(len(first), len(second))
    return next((n for n in range(longest, 0, -1) if first.endswith(second[:n])), 0)


def _put(whole: Any, original: Any, path: list[str]) -> None:
    """Restore a value of the original."""
    *parents, last = path
    for part in parents:
        whole, original = whole[part], original[part]
    whole[last] = original[last]
