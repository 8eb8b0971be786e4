"""pytest plugin of the installed package: says where pytest must be started.

It is loaded in every run of this Python, and does nothing for the suites of others.
"""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_OPTIONS = {"--environments", "--gate", "--facts"}
_TESTS = ("conftest.py", "test_*.py", "*_test.py", "tests")
"""What the folder of somebody's own suite holds."""


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Refuse to look for suites where there are none.

    Raises:
        pytest.UsageError: an environment is named, and pytest was started elsewhere (exit code 4).
    """
    given = early_config.known_args_namespace
    known = _is_ours(early_config) or early_config.rootpath == _ROOT
    if known or given.file_or_dir or given.inifilename:
        return
    folder = early_config.invocation_params.dir
    if not folder.is_relative_to(_ROOT) and any(any(folder.glob(each)) for each in _TESTS):
        return
    words = re.findall(r"[\w.-]+", given.markexpr or "")
    named = [word for word in words if (_ROOT / "environments" / f"{word}.yaml").is_file()]
    if named or _OPTIONS & {argument.partition("=")[0] for argument in args}:
        raise pytest.UsageError(
            f"there are no suites in {folder}: run pytest in {_ROOT}, "
            f"or with -c {_ROOT / 'pyproject.toml'}"
        )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to run our checks without the plugins that they need.

    Raises:
        pytest.UsageError: options keep the plugins from being loaded (exit code 4).
    """
    if not _is_ours(config) and any(_ROOT / "suites" in item.path.parents for item in items):
        raise pytest.UsageError(
            f"the suites need the plugins that {_ROOT / 'conftest.py'} names: "
            "leave --noconftest, --confcutdir, -p no:stackproof.plugin and -o addopts out"
        )


def _is_ours(config: pytest.Config) -> bool:
    return config.pluginmanager.has_plugin("stackproof.plugin")
