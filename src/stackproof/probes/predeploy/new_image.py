"""Images that a deploy needs: whether the engine has them, or else a registry."""

from stackproof.engine.client import BODY_CAP, NotFoundError
from stackproof.engine.connection import Connection, inspect_container, inspect_image
from stackproof.engine.image_path import image_path
from stackproof.facts.compose_file import ComposeFile, ComposeService
from stackproof.facts.image import NewImage
from stackproof.probes.containers.creation import has_health_check
from stackproof.probes.declaration import COMPOSE_SERVICE, Target, probe
from stackproof.probes.engine_session import EngineSession, engine
from stackproof.probes.predeploy.compose_file import compose_file
from stackproof.unobserved import UnobservedError


@probe("new_images", of=COMPOSE_SERVICE, needs=[compose_file, engine])
def new_image(target: Target, compose_file: ComposeFile, engine: EngineSession) -> NewImage:
    """The image that the Compose file names for a service."""
    service = compose_file.of(target.name)
    service.require("image")
    if not service.image:
        # Compose builds it, and gives it a name of its own.
        return NewImage(name="", present=False)
    if found := inspect_image(engine.connection, service.image):
        has_one = has_health_check(found.at("Config"))
        return NewImage(name=service.image, present=True, has_health_check=has_one)
    listed = engine.find(target.name)
    return NewImage(
        name=service.image,
        present=False,
        refused=_refusal(engine.connection, service, engine.is_trusted()),
        replaced_size=_size(engine.connection, listed.id) if listed else None,
    )


def _refusal(connection: Connection, service: ComposeService, is_trusted: bool) -> str:
    if service.built:
        return ""
    if service.pull_policy == "never":
        return "the engine does not have it, and pull_policy is never"
    path = f"/distribution/{image_path(service.image)}/json"
    headers = _credentials(service.image) if is_trusted else {}
    try:
        connection.call(lambda engine: list(engine.stream(path, BODY_CAP, headers=headers)))
    except NotFoundError as reason:
        return str(reason)
    except UnobservedError as reason:
        raise UnobservedError(f"{service.image} at its registry: {reason}") from None
    return ""


def _size(connection: Connection, container_id: str) -> int | None:
    """Return the size of the image of a container; None if it is unknown."""
    try:
        image = inspect_container(connection, container_id).text("Image")
        found = inspect_image(connection, image)
        return found.size("Size") if found else None
    except UnobservedError:
        return None


def _credentials(image: str) -> dict[str, str]:
    """Return the header with the credentials of Docker's own client for the image's registry."""
    # Imported here, on a thread: only an image that the engine does not have needs it.
    from docker import auth, errors

    try:
        registry, _ = auth.resolve_repository_name(image)
        found = auth.resolve_authconfig(auth.load_config(), registry)
        return {"X-Registry-Auth": auth.encode_header(found).decode()} if found else {}
    except (errors.DockerException, OSError, ValueError) as error:
        raise UnobservedError(f"{image}: its registry's credentials here: {error}") from None
