"""The plugins of stackproof. Which there are stands in each room, and what one does in its own."""

from stackproof.resources import exit_unless_enough_to_start

# Before the libraries are loaded.
exit_unless_enough_to_start()

pytest_plugins = ["fixtures.plugins", "reports.plugins"]
