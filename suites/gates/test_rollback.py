"""After a rollback: every service is what it was before the deploy, according to the baseline."""

from stackproof.deploy.baseline import BaselineContainer
from stackproof.environment.services import Service
from stackproof.facts.container import Container
from stackproof.finding import finding
from stackproof.fixtures.session.collection import critical
from stackproof.fixtures.session.gates.gate_options import gate
from stackproof.hint import advice, compose, server, up
from stackproof.unobserved import UnobservedError

_SHOWN = len("sha256:") + 12


@gate("rollback")
@critical
def test_image(
    service: Service, container: Container, before: tuple[BaselineContainer, ...]
) -> None:
    """A rollback that starts the new image again under the old tag rolled nothing back."""
    expected = {each.image_id for each in before}
    image = container.creation.image_id
    assert image in expected, finding(
        service,
        "image",
        expected=f"the previous one, {' or '.join(each[:_SHOWN] for each in sorted(expected))}"
        if expected
        else "none: there was no container before the deploy",
        observed=image[:_SHOWN],
        evidence={
            "image name": container.creation.image,
            "image name before the deploy": ", ".join(sorted({each.image for each in before})),
        },
        hint=(
            server("docker tag {} {}", min(expected)[:_SHOWN], container.creation.image),
            up(service.name),
        )
        if len(expected) == 1
        else compose("images {}", service.name),
    )


@gate("rollback")
def test_configuration(
    service: Service, container: Container, before: tuple[BaselineContainer, ...]
) -> None:
    """The old image with the new settings is a combination that was never tested."""
    expected = {each.config_hash for each in before}
    config_hash = container.creation.config_hash
    if not config_hash or "" in expected:
        raise UnobservedError("Compose did not create it, so its configuration is unknown")
    assert config_hash in expected, finding(
        service,
        "configuration",
        expected="the one before the deploy",
        observed="a different one",
        evidence={
            "config hash": config_hash,
            "config hash before the deploy": ", ".join(sorted(expected)),
            "compose files": ", ".join(container.creation.compose_files),
        },
        hint=(
            advice("restore the previous compose file and the files it reads"),
            up(service.name),
        ),
    )
