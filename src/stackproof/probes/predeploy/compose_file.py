"""The probe of the Compose file that is deployed."""

from stackproof.facts.compose_file import ComposeFile
from stackproof.probes.declaration import ENVIRONMENT, Target, probe


@probe("compose_file", of=ENVIRONMENT)
def compose_file(target: Target) -> ComposeFile:
    """The Compose file that is deployed."""
    # Imported here: only a gate needs it.
    from stackproof.probes.predeploy.compose import observe_deployed

    return observe_deployed(target)
