"""The reverse proxy's configuration is valid."""

from environments.model import Nginx
from fixtures.collection import critical
from fixtures.facts import CommandResult
from reports.finding import finding


@critical
def test_config_valid(nginx: Nginx, nginx_test: CommandResult) -> None:
    """A configuration that is broken on disk takes nginx down at its next reload or restart."""
    assert nginx_test.exit_code == 0, finding(
        nginx,
        "configuration",
        expected="nginx -t succeeds",
        observed=nginx_test.observed,
        evidence={"nginx -t": nginx_test.output},
        hint="mend the file that it names before anything reloads or restarts nginx",
    )
