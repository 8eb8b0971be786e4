"""The Compose files of an environment, as Compose itself reads and merges them.

A variable that is unset where the suite runs has its value elsewhere, where the stack is deployed.
What depends on it is unknown here. Compose's output without interpolation shows which parts do.
"""

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from stackproof.environment.compose import command
from stackproof.environment.compose.command import ComposeError
from stackproof.environment.compose.joined import read_one_by_one
from stackproof.environment.compose.messages import last_error, without_values
from stackproof.environment.compose.placeholders import PLACEHOLDER, placeholders, used_in
from stackproof.environment.document.problem import join_names
from stackproof.files.regular_file import read_regular_file

_UNSET = re.compile(r'The \\?"(\w+)\\?" variable is not set')
_REQUIRED = re.compile(r"required variable (\w+) is missing a value")
_NO_ENV_FILE = re.compile(r"env file (.+) not found")
_LINE = re.compile(r"(yaml: )?line \d+: ")
"""How an error starts that names no file."""
_DEFINED = re.compile(r"^\s*(?:export\s+)?(\w+)\s*[=:]", re.MULTILINE)
_PLAIN_VALUE = re.compile(
    r"""^\s*(?:export\s+)?(\w+)=(["']?)([\w./:@%+,-]*)\2[ \t]*$""", re.MULTILINE
)
_MOST_REQUIRED = 100


class ComposeFileInvalid(ValueError):  # noqa: N818 - like InvalidEnvironment
    """Compose rejects the files. The message is its error, in one line."""


@dataclass(frozen=True)
class ComposeRun:
    """The files and settings with which Compose is run."""

    files: Sequence[Path]
    project: str = ""
    project_directory: Path | None = None
    env_files: Sequence[Path] = ()
    profiles: Sequence[str] = ()

    @property
    def folder(self) -> Path:
        """The project's directory."""
        return self.project_directory or self.files[0].parent

    @property
    def files_of_variables(self) -> Sequence[Path]:
        """The files with values of variables that Compose reads."""
        return self.env_files or [self.folder / ".env"]

    def reads(self, file: Path | None) -> bool:
        """Return whether a file is one of those with values of variables that Compose reads."""
        return file is not None and os.path.realpath(file) in map(
            os.path.realpath, self.files_of_variables
        )

    def options(self) -> list[str]:
        """Return Compose's options for them."""
        options = [word for file in self.files for word in ("-f", str(file))]
        if self.project:
            options += ["-p", self.project]
        options += [f"--env-file={file}" for file in self.env_files]
        options += [f"--profile={profile}" for profile in self.profiles]
        if self.project_directory:
            options.append(f"--project-directory={self.project_directory}")
        return options


@dataclass(frozen=True)
class ComposeConfig:
    """The merged Compose files."""

    config: Mapping[str, Any]
    """The JSON of `docker compose config`: variables are replaced, and `$$` is `$`."""
    unset: frozenset[str]
    """Variables that the files use, that are unset and that have no default."""
    uninterpolated: Mapping[str, Any]
    """The same of all profiles, with expressions instead of values; empty if that is invalid."""
    required: frozenset[str]
    """Those of them without which Compose starts nothing."""
    inactive: Mapping[str, tuple[str, ...]]
    """Services of profiles that are not active, and these profiles."""
    missing_env_files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    """By service, the files of its `env_file` that do not exist here: Compose starts nothing."""
    refusal: str = ""
    """Compose's error if it rejects the files while variables are unset."""

    def unset_in(self, *path: str) -> frozenset[str]:
        """Return the unset variables on which a part of the files depends."""
        return self.unset & self.variables_in(*path)

    def variables_in(self, *path: str) -> frozenset[str]:
        """Return all variables on which a part of the files depends."""
        part: Any = self.uninterpolated
        for key in path:
            if isinstance(part, dict):
                part = part.get(key)
        return used_in(part)


@dataclass(frozen=True)
class FileVariables:
    """The variables that Compose reads from files of variables."""

    names: frozenset[str]
    values: Mapping[str, str] = field(default_factory=dict)
    """Those whose values are certain: no other variable, file or escape is in them."""

    def origin_of(self, used: Collection[str]) -> str:
        """Return where a value is from that depends on variables: their files, or the deploy."""
        return "env-file" if used and self.names.issuperset(used) else "deploy"


class _Active(NamedTuple):
    """The files with the active profiles; the other fields are as in `ComposeConfig`."""

    config: dict[str, Any]
    unset: frozenset[str]
    required: frozenset[str]
    refusal: str


def read(run: ComposeRun, variables: Mapping[str, str]) -> ComposeConfig:
    """Have Compose read the files.

    Args:
        run: the files and settings.
        variables: the environment variables of Compose.

    Raises:
        ComposeError: Compose could not be run, or did not answer.
        ComposeFileInvalid: Compose rejects the files, or they do not have an active profile.
    """
    program = command.find()
    try:
        return _read(program, run, variables)
    except ComposeFileInvalid as error:
        if not _NO_ENV_FILE.search(str(error)):
            raise
        missing = _missing_env_files(uninterpolated(run, variables))
        if not missing:
            raise
    # They are on the server only, as they hold secrets. Nothing else is read from them.
    with TemporaryDirectory() as folder:
        without = Path(folder) / "without-env-files.yaml"
        services = (f"  {json.dumps(name)}: {{env_file: !reset []}}\n" for name in missing)
        without.write_text("services:\n" + "".join(services), encoding="utf-8")
        found = _read(program, replace(run, files=[*run.files, without]), variables)
    return replace(found, missing_env_files=missing)


def _read(program: Sequence[str], run: ComposeRun, variables: Mapping[str, str]) -> ComposeConfig:
    every = replace(run, profiles=["*"])
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(uninterpolated, every, variables, program)
        active = _active(program, run, variables)
        unset = active.unset | active.required
        try:
            written = other.result()
        except ComposeFileInvalid as error:
            if unset:
                names = join_names(sorted(unset))
                raise ComposeFileInvalid(f"{error}; not set here: {names}") from None
            written = {}  # some files are valid only with their values
    services = (written or _of_every_profile(program, every, variables)).get("services") or {}
    _require_profiles(run.profiles, services)
    return ComposeConfig(
        config=active.config,
        unset=unset,
        uninterpolated=written,
        required=active.required,
        refusal=active.refusal,
        inactive={
            name: tuple((each or {}).get("profiles") or ())
            for name, each in services.items()
            if name not in (active.config.get("services") or {})
        },
    )


def _require_profiles(wanted: Sequence[str], services: Mapping[str, Any]) -> None:
    """Refuse a profile that no service has: Compose ignores it without a word."""
    known = {str(each) for raw in services.values() for each in (raw or {}).get("profiles") or ()}
    unknown = sorted({*wanted} - known - {"*"})
    if unknown and not any("$" in each for each in known):
        names = f"the profiles are {join_names(sorted(known))}" if known else "there are none"
        raise ComposeFileInvalid(f"no service has the profile {unknown[0]!r}; {names}")


def _of_every_profile(
    program: Sequence[str], run: ComposeRun, variables: Mapping[str, str]
) -> dict[str, Any]:
    line = [*program, *run.options(), "config", "--format=json"]
    code, output, _ = command.run(line, variables)
    return _parse(output) if code == 0 else {}


def defined_in(run: ComposeRun, variables: Mapping[str, str]) -> FileVariables:
    """Return the variables that Compose reads from files of variables.

    Args:
        run: the files and settings.
        variables: the environment variables of Compose, which come before those in files.
    """
    names: set[str] = set()
    values: dict[str, str] = {}
    for file in run.files_of_variables:
        try:
            text = read_regular_file(file).decode(errors="replace")
        except OSError:
            continue
        names.update(_DEFINED.findall(text))
        values |= {name: value for name, _, value in _PLAIN_VALUE.findall(text)}
    repeated = set(values) & {*variables}
    return FileVariables(
        frozenset(names), {name: values[name] for name in values.keys() - repeated}
    )


def _active(program: Sequence[str], run: ComposeRun, variables: Mapping[str, str]) -> _Active:
    """Have Compose read the files with the active profiles.

    It may refuse blank strings in the places of unset variables. Then they have other values.
    """
    line = [*program, *run.options(), "config", "--format=json"]
    missing: dict[str, str] = {}
    required, unset, tried = frozenset[str](), frozenset[str](), frozenset[str]()
    reason = refusal = ""
    # Compose warns of these where a file of variables uses one before it defines it.
    defined = defined_in(run, variables).names
    while True:
        code, output, errors = command.run(line, {**variables, **missing})
        unset |= frozenset(_UNSET.findall(errors)) - defined
        if code == 0:
            config = _unescaped(_parse(output))
            return _Active(config, unset, required, refusal)
        needed = _REQUIRED.search(errors)
        if needed and needed[1] not in missing and len(missing) < _MOST_REQUIRED:
            missing[needed[1]] = PLACEHOLDER
            required |= {needed[1]}
        elif _NO_ENV_FILE.search(errors) or not unset:
            raise ComposeFileInvalid(_reason(errors, run, variables))
        elif unset <= tried:
            raise ComposeFileInvalid(refusal)
        else:
            # Compose names the unset variables up to the first blank string that it refuses, in any
            # order. The next time, it may name others.
            reason = reason or _reason(errors, run, variables).rstrip(": ")
            refusal = f"{reason}; not set here: {join_names(sorted(unset))}"
            tried = unset
            try:
                services = uninterpolated(run, variables, program).get("services")
            except ComposeFileInvalid:
                raise ComposeFileInvalid(refusal) from None
            missing |= placeholders(unset | required, services)


def uninterpolated(
    run: ComposeRun, variables: Mapping[str, str], program: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the merged files as they are written, with expressions instead of values.

    Args:
        run: the files and settings.
        variables: the environment variables of Compose.
        program: the Compose command; found if it is not given.

    Raises:
        ComposeError: Compose could not be run, or did not answer.
        ComposeFileInvalid: Compose rejects the files.
    """
    program = program or command.find()
    line = [*program, *run.options(), "config", "--no-interpolate", "--format=json"]
    code, output, errors = command.run(line, variables)
    if code == 0:
        return _parse(output)
    # Some files cannot be merged without values, such as those with an expression as a key.
    if len(run.files) > 1 and (merged := read_one_by_one(run, variables, program)):
        return merged
    raise ComposeFileInvalid(_reason(errors, run, variables))


def _reason(errors: str, run: ComposeRun, variables: Mapping[str, str]) -> str:
    """Return the last of Compose's errors, without values of variables."""
    text = without_values(last_error(errors), run.files, run.files_of_variables, variables)
    if _LINE.match(text) and len(run.files) == 1:
        text = f"{text.removeprefix('yaml: ')} (in {run.files[0].name})"
    return text


def _missing_env_files(written: Mapping[str, Any]) -> dict[str, tuple[Path, ...]]:
    missing = {
        name: tuple(
            Path(each["path"])
            for each in (service or {}).get("env_file") or ()
            if each.get("required", True) and not Path(each["path"]).exists()
        )
        for name, service in (written.get("services") or {}).items()
    }
    return {name: files for name, files in missing.items() if files}


def _parse(output: str) -> dict[str, Any]:
    try:
        parsed = json.loads(output)
    except (ValueError, RecursionError):
        raise ComposeError("docker compose config printed no JSON") from None
    if not isinstance(parsed, dict):
        raise ComposeError("docker compose config printed JSON of another form")
    return parsed


def _unescaped(part: Any) -> Any:
    """Undo what `config` does, so that its output can be read again: a `$` is printed as `$$`."""
    if isinstance(part, str):
        return part.replace("$$", "$")
    if isinstance(part, dict):
        return {_unescaped(key): _unescaped(value) for key, value in part.items()}
    return [_unescaped(each) for each in part] if isinstance(part, list) else part
