"""pytest plugin of the installed package: says from which directory to run pytest.

pytest loads it in every run of this Python. It does nothing for the tests of other projects.
"""

import re
from itertools import pairwise
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_SUITES = (Path(__file__).parent / "suites").resolve()
_IS_CHECKOUT = (_ROOT / "pyproject.toml").is_file()
_OPTIONS = {"--environments", "--gate", "--facts", "--suites"}
_PATHS = {
    *("--environments", "--suites", "--facts", "--output", "--ca-file", "--compose-file"),
    *("--project-dir", "--alluredir"),
}
"""The options that have a path for a value."""
_WITHOUT_PLUGINS = (
    "the suites need the plugins of stackproof: leave --noconftest, --confcutdir, "
    "-p no:stackproof.plugin and -o addopts out"
)
_TESTS = ("conftest.py", "test_*.py", "*_test.py", "tests")
"""What the directory of another project's tests contains."""


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Refuse to run where there are no suites.

    Raises:
        pytest.UsageError: an environment is named, but this directory has no suites, or options
            keep pytest from finding them (exit code 4).
    """
    given, folder = early_config.known_args_namespace, early_config.invocation_params.dir
    if _is_ours(early_config):
        return
    in_checkout = _IS_CHECKOUT and folder.is_relative_to(_ROOT)
    if in_checkout and not given.inifilename:
        _refuse_paths_apart(args, folder)
    if _IS_CHECKOUT and early_config.rootpath == _ROOT:
        if _OPTIONS & {argument.partition("=")[0] for argument in args}:
            raise pytest.UsageError(_WITHOUT_PLUGINS)
        return
    if given.file_or_dir or given.inifilename:
        return
    if not in_checkout and any(any(folder.glob(each)) for each in _TESTS):
        return
    environments = (_ROOT if _IS_CHECKOUT else folder) / "environments"
    words = re.findall(r"[\w.-]+", given.markexpr or "")
    named = [word for word in words if (environments / f"{word}.yaml").is_file()]
    if named or _OPTIONS & {argument.partition("=")[0] for argument in args}:
        instead = f"`stackproof check {named[0] if named else 'ENV'}`"
        if _IS_CHECKOUT:
            instead = f"pytest in {_ROOT}, or with -c {_ROOT / 'pyproject.toml'}"
        raise pytest.UsageError(f"there are no suites in {folder}: run {instead}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to run our suites without the plugins that they need.

    Raises:
        pytest.UsageError: options disabled the plugins (exit code 4).
    """
    paths = {item.path for item in items}
    if not _is_ours(config) and any(_SUITES in path.resolve().parents for path in paths):
        raise pytest.UsageError(_WITHOUT_PLUGINS)


def _refuse_paths_apart(arguments: list[str], folder: Path) -> None:
    """Refuse `--output /tmp/out`: pytest searches its configuration there.

    It chooses the configuration before any plugin can say that this is the value of an option.
    """
    for option, value in pairwise(arguments):
        if option in _PATHS and not value.startswith("-") and (folder / value).exists():
            raise pytest.UsageError(
                f"{option} {value}: write {option}={value}, because pytest takes a path of its own "
                "for a directory of tests"
            )


def _is_ours(config: pytest.Config) -> bool:
    return config.pluginmanager.has_plugin("stackproof.plugin")
