"""Services say themselves that they are well, asked inside the network, past every proxy."""

import json

from environments.model import Service
from fixtures.collection import critical, declares
from fixtures.facts import Response
from reports.finding import finding

_BODY_SHOWN = 500


@critical
@declares("health")
def test_answers(service: Service, health_answer: Response) -> None:
    """Asked directly, a service that is down cannot hide behind a proxy's cache or error page."""
    assert service.health is not None
    last = health_answer.hops[-1] if health_answer.hops else None
    status = last.status if last and health_answer.error is None else None
    assert status in service.health.status, finding(
        service,
        f"{service.health.path} status",
        expected=" or ".join(map(str, service.health.status)),
        observed=health_answer.error or status,
        evidence=_seen(health_answer),
        hint=f"docker logs --tail 50 {service.container}",
    )


@declares("health.says")
def test_says(service: Service, health_answered: Response) -> None:
    """A service can answer 200 and say in the same breath that it is degraded."""
    assert service.health is not None
    expected = service.health.fields
    said = _fields(health_answered.body)
    wrong = {name: said.get(name) for name, value in expected.items() if said.get(name) != value}
    assert not wrong, finding(
        service,
        f"{service.health.path} {min(wrong)}",
        expected=expected[min(wrong)],
        observed=wrong[min(wrong)],
        evidence=_seen(health_answered),
        hint=f"docker logs --tail 50 {service.container}",
    )
    assert (service.health.text or "") in health_answered.body, finding(
        service,
        f"{service.health.path} text",
        expected=service.health.text,
        observed=health_answered.body[:60] or None,
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
