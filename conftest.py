"""The plugins of stackproof, where pytest runs without the options of pyproject.toml."""

pytest_plugins = ["stackproof.plugin", "stackproof.fixtures.plugins", "stackproof.reports.plugins"]
