"""The pytest plugins of this folder, in the order in which they are loaded."""

import pytest

PLUGINS = (
    "stackproof.reports.classification",
    "stackproof.reports.verdict_file",
    "stackproof.reports.github",
    "stackproof.reports.terminal",
)


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load the plugins. With `pytest_plugins`, pytest would search all installed packages."""
    for plugin in PLUGINS:
        pluginmanager.import_plugin(plugin)


# Before Allure's own plugin, which ends the run if it cannot create the directory.
@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Load the Allure output if it is requested: it takes long to import."""
    if config.getoption("allure_report_dir", None):
        from stackproof.reports import allure_labels

        allure_labels.start(config)
