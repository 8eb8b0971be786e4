"""Services say themselves that they are well, asked inside the network, past every proxy."""

import json
from collections.abc import Mapping

from environments.services import Health, Service
from fixtures.collection import critical, declares
from fixtures.facts import Response
from reports.finding import finding

_BODY_SHOWN = 500
_TEXT_SHOWN = 60


@critical
@declares("health")
def test_answers(service: Service, health: Health, health_answer: Response) -> None:
    """Asked directly, a service that is down cannot hide behind a proxy's cache or error page."""
    last = health_answer.hops[-1] if health_answer.hops else None
    status = last.status if last and health_answer.error is None else None
    assert status in health.status, finding(
        service,
        f"{health.path} status",
        expected=" or ".join(map(str, health.status)),
        observed=health_answer.error or status,
        evidence=_seen(health_answer),
        hint=f"docker logs --tail 50 {service.container}",
    )


@declares("health.says")
def test_says(service: Service, health: Health, health_answered: Response) -> None:
    """A service can answer 200 and say in the same breath that it is degraded."""
    due, said = _due_and_said(health, health_answered.body)
    assert said == due, finding(
        service,
        f"{health.path} says",
        expected=due,
        observed=said,
        evidence=_seen(health_answered),
        hint=f"docker logs --tail 50 {service.container}",
    )


@declares("models")
def test_models(service: Service, models_held: frozenset[str]) -> None:
    """Without its model, ollama is healthy and refuses every question."""
    wanted = [name if ":" in name else f"{name}:latest" for name in service.models]
    missing = [name for name in wanted if name not in models_held]
    assert not missing, finding(
        service,
        "models",
        expected=", ".join(wanted),
        observed=f"no {', '.join(missing)}",
        evidence={"held": ", ".join(sorted(models_held))},
        hint="; ".join(f"docker exec {service.container} ollama pull {name}" for name in missing),
    )


def _due_and_said(health: Health, body: str) -> tuple[str, str]:
    """What the answer must say, and what it says instead: of its fields, then of its text."""
    fields = _fields(body)
    due = {name: value for name, value in health.fields.items() if fields.get(name) != value}
    if due:
        return _told(due), _told({name: fields.get(name) for name in due})
    if health.text and health.text not in body:
        return health.text, body[:_TEXT_SHOWN] or "nothing"
    return "", ""


def _told(fields: Mapping[str, object]) -> str:
    return ", ".join(f"{name}: {json.dumps(value)}" for name, value in fields.items())


def _fields(body: str) -> dict[str, object]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _seen(response: Response) -> dict[str, object]:
    return {
        "asked": response.hops[-1].url if response.hops else None,
        "body": response.body[:_BODY_SHOWN],
        "time": f"{response.elapsed_ms:.0f} ms",
    }
