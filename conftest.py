"""The plugins of stackproof. Which there are stands in each room, and what one does in its own."""

pytest_plugins = ["fixtures.plugins", "reports.plugins"]
