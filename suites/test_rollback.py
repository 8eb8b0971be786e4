"""After a rollback: every service is what it was before the deploy, by the pre gate's baseline."""

from environments.services import Service
from fixtures.baseline import BaselineContainer
from fixtures.collection import critical
from fixtures.facts import Container
from fixtures.gate import gate
from fixtures.observation import CannotLook
from reports.finding import finding
from reports.hint import command

_SHOWN = len("sha256:") + 12


@gate("rollback")
@critical
def test_image(
    service: Service, container: Container, before: tuple[BaselineContainer, ...]
) -> None:
    """A rollback that starts the new image again, under the old tag, rolled nothing back."""
    due = {each.image_id for each in before}
    image = container.creation.image_id
    assert image in due, finding(
        service,
        "image",
        expected=f"that of before the deploy, {' or '.join(each[:_SHOWN] for each in sorted(due))}"
        if due
        else "none: it had no container before the deploy",
        observed=image[:_SHOWN],
        evidence={
            "asked for": container.creation.image,
            "asked for before": ", ".join(sorted({each.image for each in before})),
        },
        hint=command(
            "docker tag {} {}, then docker compose up -d {}",
            *(each[:_SHOWN] for each in due),
            container.creation.image,
            service.name,
        )
        if len(due) == 1
        else command("docker compose images {}", service.name),
    )


@gate("rollback")
def test_configuration(
    service: Service, container: Container, before: tuple[BaselineContainer, ...]
) -> None:
    """The old image with the new settings is a third release, which nobody has tested."""
    due = {each.config_hash for each in before}
    config_hash = container.creation.config_hash
    if not config_hash or "" in due:
        raise CannotLook("Compose did not make it, so that nothing tells its configuration")
    assert config_hash in due, finding(
        service,
        "configuration",
        expected="that of before the deploy",
        observed="another",
        evidence={
            "compose's digest": config_hash,
            "before": ", ".join(sorted(due)),
            "files": ", ".join(container.creation.compose_files),
        },
        hint=command(
            "restore the compose file and what it reads of before the deploy, "
            "then docker compose up -d {}",
            service.name,
        ),
    )
