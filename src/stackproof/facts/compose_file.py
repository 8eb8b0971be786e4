"""The Compose file, as Compose itself reads it."""

from collections.abc import Mapping

from stackproof.frozen import Frozen
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError


class ComposeService(Frozen):
    """A service of the Compose file. Fields that are not set are empty or None."""

    image: str = ""
    built: bool = False
    """Whether Compose can build the image."""
    pull_policy: str = ""
    container_name: str = ""
    cpus: float | None = None
    memory: Bytes | None = None
    published: tuple[str, ...] = ()
    """In Compose's notation: `8443:443`, `127.0.0.1:5432:5432`, `any:80` if the engine chooses."""
    networks: tuple[str, ...] = ()
    """Their names in the engine."""
    network_mode: str = ""
    log_driver: str = ""
    log_max_size: Bytes | None = None
    health_check: bool | None = None
    """False if it is disabled; None if the image decides."""
    restart: str = "no"
    secrets: tuple[str, ...] = ()
    """The paths of its secrets and configs in the container."""
    unset: Mapping[str, tuple[str, ...]] = {}
    """By field: variables that are unset here on which it depends."""

    def require(self, field: str) -> None:
        """Check that a field is known here.

        Raises:
            UnobservedError: it depends on variables that are unset.
        """
        if variables := self.unset.get(field):
            raise UnobservedError(
                f"it depends on {', '.join(variables)}, unset here: run the gate with the "
                "variables of the deploy, or name their file with --compose-env-file"
            )


class ComposeFile(Frozen):
    """A Compose file merged with its overrides."""

    path: str
    """The path of the first file, here."""
    problem: str = ""
    """The error that Compose reports; all other fields are then empty."""
    unset: tuple[str, ...] = ()
    """Variables that it uses and that are not set; Compose replaces them by empty strings."""
    has_variables: bool = True
    """Whether there is a file here with values of variables, such as `.env`."""
    inactive: Mapping[str, tuple[str, ...]] = {}
    """Services of profiles that are not active, and these profiles."""
    services: Mapping[str, ComposeService] = {}
    subnets: Mapping[str, tuple[str, ...]] = {}
    """By network, as the engine names it; without external networks."""
    secret_files: Mapping[str, str] = {}
    """By secret: the path of its file, here."""

    def of(self, service: str) -> ComposeService:
        """Return a service.

        Raises:
            UnobservedError: the file is not valid, or has no such service.
        """
        if self.problem:
            raise UnobservedError("the compose file is not valid")
        if service not in self.services:
            raise UnobservedError(f"the compose file has no service {service}")
        return self.services[service]

    def on_server(self, path: str, declared: str, checkout: str) -> str:
        """Return the path on the engine's machine of a file in the checkout here.

        Args:
            path: the file here.
            declared: the path of the Compose file in the checkout.
            checkout: the directory of the checkout there; empty if it is the one here.
        """
        here = self.path.removesuffix(f"/{declared}")
        if not checkout or here == self.path or not path.startswith(f"{here}/"):
            return path
        return f"{checkout.rstrip('/')}{path.removeprefix(here)}"
