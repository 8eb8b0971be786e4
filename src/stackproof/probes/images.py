"""Images that the engine holds."""

from stackproof.engine.client import LIST_CAP
from stackproof.engine.connection import Connection, inspect_image
from stackproof.facts.settings import ImageDefaults
from stackproof.probes.containers.inspect import Inspection, inspection
from stackproof.probes.containers.settings import parse_image_defaults
from stackproof.probes.declaration import ENVIRONMENT, SERVICE, Target, probe
from stackproof.probes.engine_session import connection
from stackproof.unobserved import UnobservedError


@probe("images", of=SERVICE, needs=[connection, inspection])
def tagged_image(_: Target, connection: Connection, inspection: Inspection | None) -> str | None:
    """The id of the image that the container's tag refers to now; None if there is no such tag."""
    if inspection is None:
        raise UnobservedError("there is no container")
    found = inspect_image(connection, inspection.container.creation.image)
    return found.text("Id") if found else None


@probe("image_defaults", of=SERVICE, needs=[connection, inspection])
def image_defaults(
    _: Target, connection: Connection, inspection: Inspection | None
) -> ImageDefaults:
    """What a container has from the image that it was created from, if nothing else is said."""
    if inspection is None:
        raise UnobservedError("there is no container")
    found = inspect_image(connection, inspection.container.creation.image_id)
    if found is None:
        raise UnobservedError("the engine no longer holds the image of the container")
    return parse_image_defaults(found)


@probe("image_ids", of=ENVIRONMENT, needs=[connection])
def image_ids(_: Target, connection: Connection) -> tuple[str, ...]:
    """The ids of all images, without unnamed layers."""
    images = connection.call(lambda engine: engine.get("/images/json", limit=LIST_CAP))
    return tuple(sorted(image.text("Id") for image in images.each()))
