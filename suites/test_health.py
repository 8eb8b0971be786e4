"""Services say themselves that they are well, asked inside the network, past every proxy."""

from environments.services import Health, Service
from fixtures.answers import difference
from fixtures.collection import critical, declares
from fixtures.facts import Response
from reports.finding import finding
from reports.hint import command

_BODY_SHOWN = 500
_SHOWN = 3


@critical
@declares("health")
def test_answers(service: Service, health: Health, health_answer: Response) -> None:
    """Asked directly, a service that is down cannot hide behind a proxy's cache or error page."""
    assert health_answer.status in health.status, finding(
        service,
        f"{health.path} status",
        expected=" or ".join(map(str, health.status)),
        observed=health_answer.error or health_answer.status,
        evidence=_seen(health_answer),
        hint=_log_of(service),
    )


@declares("health.says")
def test_says(service: Service, health: Health, health_answered: Response) -> None:
    """A service can answer 200 and say in the same breath that it is degraded."""
    due, said = difference(health, health_answered)
    assert said == due, finding(
        service,
        f"{health.path} says",
        expected=due,
        observed=said,
        evidence=_seen(health_answered),
        hint=_log_of(service),
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
        hint="; ".join(
            command("docker compose exec {} ollama pull {}", service.name, name)
            for name in missing[:_SHOWN]
        ),
    )


def _log_of(service: Service) -> str:
    return command("docker compose logs --tail 50 {}", service.name)


def _seen(response: Response) -> dict[str, object]:
    return {
        "asked": response.hops[-1].url if response.hops else None,
        "body": response.body[:_BODY_SHOWN],
        "time": f"{response.elapsed_ms:.0f} ms",
    }
