"""Forms of variables in values. Messages never contain the value of a variable."""

from pathlib import Path

import pytest

from stackproof.environment.document.dotenv import read_variables
from stackproof.environment.document.interpolation import Interpolation
from stackproof.environment.loader import InvalidEnvironment, load

VARIABLES = {"HOST": "example.com", "USER": "deploy", "EMPTY": "", "DOLLAR": "${HOST}$$"}
FORMS = "expected ${NAME}, ${NAME:-default}, ${NAME:+replacement}, or $$ for a dollar"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain } text", "plain } text"),
        ("${HOST}", "example.com"),
        ("a ${USER}@${HOST} b", "a deploy@example.com b"),
        ("${HOST:-other}", "example.com"),
        ("${UNSET:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${UNSET:-}", ""),
        ("${HOST:+ssh://${USER}@${HOST}}", "ssh://deploy@example.com"),
        ("${UNSET:+ssh://${ALSO_UNSET}@host}", ""),
        ("${EMPTY:+x}y", "y"),
        ("${HOST:-${ALSO_UNSET}}", "example.com"),
        ("${UNSET:-${EMPTY:-${HOST}}}!", "example.com!"),
        ("${UNSET:-$$}$${HOST}", "$${HOST}"),
        # The value of a variable is not interpolated again.
        ("${DOLLAR}", "${HOST}$$"),
    ],
)
def test_forms(text: str, value: str) -> None:
    interpolation = Interpolation(VARIABLES)
    assert interpolation.replace({"key": [text]}) == {"key": [value]}
    assert interpolation.problems == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${UNSET}", "variable UNSET is unset or empty"),
        ("${EMPTY}", "variable EMPTY is unset or empty"),
        ("${UNSET}${EMPTY}${UNSET}", "variables UNSET, EMPTY are unset or empty"),
        ("${HOST:+${UNSET}}", "variable UNSET is unset or empty"),
        ("$HOST", FORMS),
        ("${HOST", FORMS),
        ("${HOST:-x", FORMS),
        ("${HOST-x}", FORMS),
        ("${1}", FORMS),
        ("5$", FORMS),
    ],
)
def test_invalid_expression(text: str, message: str) -> None:
    interpolation = Interpolation(VARIABLES)
    interpolation.replace({"key": [text]})
    assert interpolation.problems == [(("key", 0), message)]


def test_sources_are_the_variables_whose_value_is_used() -> None:
    interpolation = Interpolation(VARIABLES)
    interpolation.replace(["${USER}@${HOST}", "${UNSET:-default}", "${HOST:+set}", "${USER:-x}"])
    assert interpolation.sources == {(0,): ("USER", "HOST"), (3,): ("USER",)}


def test_values_are_typed_by_the_model(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(
        "code_mounted: ${LIVE}\n"
        "services:\n"
        "  api: {ports: ['${PORT}'], limits: {cpus: '${CPUS}', memory: '${MEMORY}'}}\n",
        encoding="utf-8",
    )
    variables = {"LIVE": "true", "PORT": "5000", "CPUS": "1.5", "MEMORY": "512M"}
    environment = load("lab", tmp_path, variables)
    assert environment.code_mounted is True
    assert environment.services["api"].ports == (5000,)
    assert environment.services["api"].limits.cpus == 1.5
    assert environment.services["api"].limits.memory == 512 * 1024**2


@pytest.mark.parametrize(
    "body",
    [
        "services: {api: {ports: ['${TOKEN}']}}",
        "services: {api: {max_restarts: '1${TOKEN}'}}",
        "services: {api: {limits: {memory: '${TOKEN}'}}}",
        "services: {api: {healthcheck: '${TOKEN}'}}",
        "services: {api: {}}\nengine: {address: 'http://${TOKEN}'}",
        "services: {api: {}}\nnginx: {service: '${TOKEN}'}",
        "services: {api: {}}\ndeploy: {order: ['${TOKEN}']}",
        "services: {api: {}}\nnetwork: {subnet: '${TOKEN}'}",
        "services: {api: {}}\nresolve: {'*:443': '${TOKEN}'}",
        "services: {api: {}}\nroutes: {home: {url: '${TOKEN}', service: api}}",
        "services: {api: {}}\nroutes: {home: {url: 'http://a/', service: api, status: '${TOKEN}'}}",
        "services: {api: {}}\ncontainer_prefix: '${TOKEN}'",
    ],
)
def test_message_never_contains_a_value(body: str, tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").write_text(body, encoding="utf-8")
    with pytest.raises(InvalidEnvironment, match="the value of TOKEN") as error:
        load("prod", tmp_path, {"TOKEN": "s3cret value"})
    assert "s3cret" not in str(error.value)


def test_key_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").write_text(
        "services: {api: {}}\nengine: {address: ssh://host, key: '${KEY}'}", encoding="utf-8"
    )
    environment = load("prod", tmp_path, {"KEY": "-----BEGIN\nTOP SECRET"})
    assert environment.engine.key is not None
    assert environment.engine.key.get_secret_value() == "-----BEGIN\nTOP SECRET"
    assert "TOP SECRET" not in f"{environment!r} {environment} {environment.model_dump_json()}"


def test_variables_file(tmp_path: Path) -> None:
    file = tmp_path / "lab.env"
    file.write_text(
        "# ports\nexport PORT=8443\n\nNAME='a b'\nEMPTY=\nPASSWORD=pa#ss\n  QUOTED=\"x=y\"z\n",
        encoding="utf-8",
    )
    assert read_variables(file) == {
        "PORT": "8443",
        "NAME": "a b",
        "EMPTY": "",
        "PASSWORD": "pa#ss",
        "QUOTED": "x=yz",
    }
    assert read_variables(tmp_path / "absent.env") == {}


@pytest.mark.parametrize(
    "line", ["s3cret", "A='s3cret' b", "1A=s3cret", "A='s3cret", "A =s3cret", "A= # s3cret"]
)
def test_invalid_variables_file(line: str, tmp_path: Path) -> None:
    (tmp_path / "lab.env").write_text(f"OK=1\n{line}\n", encoding="utf-8")
    with pytest.raises(InvalidEnvironment, match=r"lab\.env:2: expected NAME=value") as error:
        read_variables(tmp_path / "lab.env")
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b # the user", "b"),
        ("A='b # c' # the user", "b # c"),
        ('A="b"\t# the user', "b"),
        ("A=#b", "#b"),
        ("A=b#c", "b#c"),
        ("A=my shop", "my shop"),
        ("A=my shop  # its name", "my shop"),
        ("A=my shop # don't change", "my shop"),
        ("A=b # don't change", "b"),
    ],
)
def test_comments_and_spaces_as_compose_reads_them(line: str, value: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{line}\nB=1\n", encoding="utf-8")
    assert read_variables(tmp_path / ".env") == {"A": value, "B": "1"}


def test_process_variables_override_the_file(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "lab.env").write_text("A=file\nB=file\n", encoding="utf-8")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "lab.yaml").write_text(
        "env_file: ../out/lab.env\ndescription: ${A} ${B}\nservices: {api: {}}\n", encoding="utf-8"
    )
    environment = load("lab", tmp_path / "environments", {"A": "set"})
    assert environment.description == "set file"
