"""The plugins of a run: ours, and those of pytest's plugins that its options need."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from stackproof.printable import one_line
from stackproof.process.tracebacks import root_cause
from stackproof.secrets import redact

_PACKAGE = Path(__file__).parents[1]
_PLUGINS = ("stackproof.fixtures.plugins", "stackproof.reports.plugins")
_ALLURE = "allure_pytest.plugin"
"""Loaded only with its options: its import takes 50 ms. The configuration blocks its name."""
_XDIST = "xdist.plugin"
"""Loaded with its options if pytest loads no installed plugin by itself."""


def load(config: pytest.Config, arguments: Sequence[str]) -> None:
    """Import and register the plugins.

    Raises:
        pytest.UsageError: a module of ours is wrong.
    """
    plugins = config.pluginmanager
    # After the installed plugins: testinfra, too, has a fixture named `host`.
    for folder in _PLUGINS:
        _load(folder, config)
    if any(argument.startswith(("--allure", "--clean-allure")) for argument in arguments):
        plugins.import_plugin(_ALLURE)
    if not (plugins.has_plugin("xdist") or plugins.is_blocked("xdist")) and any(
        argument.startswith(("-n", "--numprocesses", "--dist", "--tx")) for argument in arguments
    ):
        plugins.import_plugin(_XDIST)


def _load(plugin: str, config: pytest.Config) -> None:
    """Import and register a plugin.

    Raises:
        pytest.UsageError: a module is wrong, such as a probe with the name of another one. With
            `--full-trace`, pytest prints the traceback instead.
    """
    try:
        config.pluginmanager.import_plugin(plugin)
    except (pytest.UsageError, OSError, MemoryError):
        raise
    except Exception as error:
        cause = root_cause(error)
        if config.known_args_namespace.fulltrace or isinstance(cause, OSError | MemoryError):
            raise
        place, entry = "", cause.__traceback__
        while entry:
            code = entry.tb_frame.f_code
            if code.co_name == "<module>" and Path(code.co_filename).is_relative_to(_PACKAGE):
                place = f"{code.co_filename}:{entry.tb_lineno}: "
            entry = entry.tb_next
        if not place:
            raise
        line = one_line(redact(f"{place}{type(cause).__name__}: {cause}"))
        raise pytest.UsageError(f"stackproof cannot be loaded: {line}") from None
