"""The declared secrets of the stack, which containers see as files."""

from stackproof.schema.declared import Declared
from stackproof.schema.values import AbsolutePath, RelativePath

SECRETS_MOUNT = "/run/secrets"
"""The directory where Compose mounts secrets."""


class Secrets(Declared):
    """Secret files: their directory on the host, and where containers see them."""

    directory: RelativePath
    mount: AbsolutePath = SECRETS_MOUNT
