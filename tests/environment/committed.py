"""The committed environments, loaded with the variables that they need."""

from pathlib import Path

from pydantic import BaseModel

from stackproof.environment.loader import load
from stackproof.environment.model import Environment

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
# Independent of the Docker context of the user who runs the tests.
NO_CONTEXT = {"DOCKER_CONFIG": "/nonexistent"}
MIB = 1024**2
GIB = 1024**3
SERVER = {
    f"{stage}_DEPLOY_{what}": f"{stage}-{what}".lower()
    for stage in ("PROD", "STAGING")
    for what in ("HOST", "USER", "SSH_KEY")
}


def environment(name: str, **variables: str) -> Environment:
    return load(name, ENVIRONMENTS, {**SERVER, **variables})


def different_fields(one: BaseModel, other: BaseModel) -> set[str]:
    fields = type(one).model_fields
    return {field for field in fields if getattr(one, field) != getattr(other, field)}
