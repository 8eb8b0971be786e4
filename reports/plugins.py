"""The pytest plugins of this room. What each does stands in its own module."""

import pytest

PLUGINS = (
    "reports.classification",
    "reports.allure_labels",
    "reports.verdict_file",
    "reports.github",
    "reports.terminal",
)


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load them. Through `pytest_plugins` all that is installed would be searched for each."""
    for plugin in PLUGINS:
        pluginmanager.import_plugin(plugin)
