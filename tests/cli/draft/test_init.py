"""`stackproof init`: what it takes from Compose files, and what it refuses."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from stackproof.cli.command_line import main
from stackproof.environment.loader import load
from tests.cli.draft.conftest import Init

WEB = "services: {web: {image: 'img/app:1'}}"


def test_the_smallest_project(init: Init, written: Callable[[], str]) -> None:
    shop = init(WEB)
    assert shop.compose
    assert (shop.compose.files, shop.compose_project) == (("compose.yaml",), "shop")
    declared = [line for line in written().splitlines() if line and not line.startswith("#")]
    assert declared[0] == "compose: {files: compose.yaml}"
    assert shop.services["web"].image == "img/app:1"


def test_it_says_what_it_did(init: Init, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    init(
        "services: {web: {image: a, healthcheck: {test: curl localhost/a}}, db: {image: postgres}}"
    )
    first, engine = capsys.readouterr().out.splitlines()
    assert first == (
        "environments/shop.yaml: 2 services, 1 health endpoint, 1 datastore, from compose.yaml"
    )
    assert engine == (
        f"engine unix://{folder.parent}/no.sock (DOCKER_HOST): no such file or directory; "
        "nothing was compared"
    )


def test_an_existing_file_is_kept(
    init: Init, written: Callable[[], str], capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    init(WEB)
    (folder / "environments" / "shop.yaml").write_text("mine", encoding="utf-8")
    capsys.readouterr()
    assert main(["init"]) == 4
    message = "environments/shop.yaml exists: --force replaces it, --env NAME writes another"
    assert capsys.readouterr().err == f"stackproof: {message}\n"
    assert written() == "mine"
    init(WEB, "--env", "other", name="other")
    assert written() == "mine"
    init(WEB, "--force")
    assert "compose:" in written()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "there is no compose.yaml in "),
        (["no.yaml"], "there is no Compose file no.yaml"),
        (["bad.yaml"], "line 1: did not find expected node content (in bad.yaml)"),
        (["compose.yml", "--env", "routes"], "--env: 'routes' is a reserved name: -m selects"),
        (["compose.yml", "--env", "a/b"], "--env: expected a name of letters, digits, '_', '.' a"),
        (["compose.yml", "--env", "not"], "--env: 'not' is a reserved name"),
        (["--from-running"], "--from-running: engine unix://"),
        (["--nope"], "unrecognized arguments: --nope (usage: stackproof init [FILE...] [--env "),
    ],
)
def test_wrong_usage(
    arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.yaml").write_text("a: [", encoding="utf-8")
    if "compose.yml" in arguments:
        (folder / "compose.yml").write_text(WEB, encoding="utf-8")
    assert main(["init", *arguments]) == 4
    error = capsys.readouterr().err
    assert error.startswith(f"stackproof: {message}")
    assert error.count("\n") == 1
    assert not (folder / "environments").exists()


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("services: {}", "there are no services in file"),
        ("volumes: {data: }", "there are no services in file"),
        ("services: {web: {image: a, profiles: [b, a]}}",
         "every service of file belongs to an inactive profile (a, b): "
         "name those that are active in COMPOSE_PROFILES"),
        # Other files, whose content may be secret.
        ("TOKEN=hunter2-of-shop\n",
         "line 1: not a Compose file, expected a mapping with services (in file)"),
        ("- hunter2-of-shop\n",
         "line 1: not a Compose file, expected a mapping with services (in file)"),
        ("name: [hunter2-of-shop]\n", "line 1: cannot unmarshal !!seq into string (in file)"),
        ("TOKEN=hunter2-of-shop: a\n", "additional properties 'TOKEN=…' not allowed"),
    ],
)  # fmt: skip
def test_a_file_without_services(
    written: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").write_text(written, encoding="utf-8")
    assert main(["init", "file"]) == 4
    error = capsys.readouterr().err
    assert error.endswith(f"{message}\n")
    assert error.count("\n") == 1
    assert "hunter2" not in error
    assert not (folder / "environments").exists()


def test_a_project_with_a_reserved_name(init: Init) -> None:
    shop = init(f"name: health\n{WEB}", name="health-stack")
    assert shop.compose_project == "health"


def test_files_elsewhere(init: Init, folder: Path) -> None:
    """The loader finds them from the directory of the environment."""
    files = {
        "../other/base.yaml": "name: x\nservices: {web: {image: app}}",
        "deploy/over.yaml": "services: {web: {image: 'app:2'}}",
    }
    shop = init(files, "../other/base.yaml", "deploy/over.yaml", name="x")
    assert shop.compose
    assert shop.compose.files == ("../../other/base.yaml", "deploy/over.yaml")
    assert shop.services["web"].image == "app:2"
    os.chdir(folder.parent)  # the file means the same from elsewhere
    assert main(["init", "shop/deploy/over.yaml", "--environments=shop/environments"]) == 0


def test_the_files_that_compose_merges(init: Init) -> None:
    files = {"compose.yaml": WEB, "compose.override.yaml": "services: {web: {image: 'img/app:2'}}"}
    shop = init(files)
    assert shop.compose
    assert shop.compose.files == ("compose.yaml", "compose.override.yaml")
    assert shop.services["web"].image == "img/app:2"


def test_files_and_profiles_of_variables(init: Init, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPOSE_PROFILES", "debug")
    files = {
        ".env": "COMPOSE_FILE=a.yaml:b.yaml\n",
        "a.yaml": WEB,
        "b.yaml": "services: {tool: {image: tool, profiles: [debug]}}",
    }
    shop = init(files)
    assert shop.compose
    assert (shop.compose.files, shop.compose.profiles) == (("a.yaml", "b.yaml"), ("debug",))
    assert set(shop.services) == {"web", "tool"}


def test_what_only_this_process_knows(
    init: Init, written: Callable[[], str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "shop")
    monkeypatch.setenv("COMPOSE_ENV_FILES", "prod.env")
    monkeypatch.setenv("TAG_OF_WEB", "2")
    web = "services: {web: {image: 'app:${TAG_OF_WEB}', container_name: '${NAME_OF_WEB}'}}"
    init({"prod.env": "NAME_OF_WEB=front\n", "compose.yaml": f"name: other\n{web}"})
    assert "compose: {files: compose.yaml, project: shop, env_files: prod.env}" in written()
    message = "# It needs the variable TAG_OF_WEB, which only the environment of this command has."
    assert message in written()
    assert "NAME_OF_WEB" not in written()
    monkeypatch.delenv("COMPOSE_PROJECT_NAME")
    monkeypatch.delenv("COMPOSE_ENV_FILES")
    shop = load("shop", folder / "environments", offline=True)
    assert (shop.compose_project, shop.services["web"].container) == ("shop", "front")


def test_the_engine_is_declared_unless_it_is_the_default(
    init: Init, written: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    init(WEB)
    assert f"engine: {{address: '{os.environ['DOCKER_HOST']}'}}" in written()
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setenv("DOCKER_TLS", "1")  # its TLS files cannot be declared
    init(WEB, "--force")
    assert "\nengine:" not in written()


def test_a_missing_env_file_is_named(
    init: Init, written: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Case 28."""
    init("services: {web: {image: app, env_file: [.env.production]}}")
    message = "needs .env.production, the env_file of web, which does not exist here"
    assert message in written()
    assert message in capsys.readouterr().out


def test_values_of_variables_are_not_copied(
    init: Init, written: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    compose = """\
        services:
          db:
            image: postgres:16
            env_file: [.env.production]
          web:
            image: app
            environment: {TOKEN: "${TOKEN}", KEY: "${UNSET_KEY}"}
            healthcheck: {test: "curl http://localhost:8080/${UNSET_PATH}"}
        """
    values = "POSTGRES_USER=keeper\nPOSTGRES_DB=stock\nPOSTGRES_PASSWORD=kf83hfu3\nTOKEN=z6tq0ply\n"
    shop = init({"compose.yaml": compose, ".env.production": values})
    db = shop.datastores.postgresql["db"]  # type: ignore[attr-defined]
    assert (db.user, db.database) == ("keeper", "stock")
    text = written() + capsys.readouterr().out
    for value in ("keeper", "stock", "kf83hfu3", "z6tq0ply"):
        assert value not in text
    assert "env_file: ../.env.production" in text
    assert "needs .env.production, the env_file of db" in text
    unset = "TOKEN, UNSET_KEY, UNSET_PATH"
    assert f"# It needs the variables {unset}, which are not set here.\n" in written()
    assert f"needs the variables {unset}, which are not set here\n" in text
    assert "# TODO web health: its health check depends on UNSET_PATH" in text


def test_an_env_file_whose_path_has_variables(
    init: Init, written: Callable[[], str], capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    compose = """\
        services:
          db: {image: "postgres:16", env_file: ["${FOLDER}/db.env", "./${NOWHERE:-env}/db.env"]}
        """
    (folder / "env").mkdir()
    values = "POSTGRES_USER=keeper\nPOSTGRES_PASSWORD=kf83hfu3\n"
    shop = init({"compose.yaml": compose, ".env": "FOLDER=./env\n", "env/db.env": values})
    db = shop.datastores.postgresql["db"]  # type: ignore[attr-defined]
    assert db.user == "keeper"
    assert "needs env/db.env, the env_file of db\n" in capsys.readouterr().out
    assert "env_file: ../env/db.env" in written()


def test_one_variable_that_is_unset(init: Init, capsys: pytest.CaptureFixture[str]) -> None:
    init("services: {web: {image: app, environment: {KEY: '${UNSET_KEY}'}}}")
    assert "needs the variable UNSET_KEY, which is not set here\n" in capsys.readouterr().out


def test_health_endpoints(init: Init, written: Callable[[], str]) -> None:
    """Case 36."""
    web = init(
        "services: {web: {image: app, healthcheck: {test: [CMD, curl, 'http://localhost:8080/h']}}}"
    ).services["web"]
    assert web.health
    assert (web.health.path, web.health.port) == ("/h", 8080)
    assert "web: {health: {path: /h, port: 8080}}" in written()


def test_a_health_endpoint_with_tls(init: Init, written: Callable[[], str]) -> None:
    """Case 36."""
    compose = """\
        services:
          web: {image: app, healthcheck: {test: "curl -fsk https://localhost:8443/h || exit 1"}}
          api: {image: app, healthcheck: {test: [CMD, curl, "https://localhost/h"]}}
        """
    shop = init(compose)
    web, api = shop.services["web"].health, shop.services["api"].health
    assert web
    assert (web.scheme, web.port, web.verify) == ("https", 8443, False)
    assert api
    assert (api.scheme, api.port, api.verify, api.host) == ("https", 443, True, "localhost")
    note = "# TODO web health: its certificate is not verified, as in its health check"
    assert written().count("not verified") == 1
    assert note in written()


def test_jobs(init: Init, written: Callable[[], str]) -> None:
    """Cases 8 and 9."""
    compose = """\
        services:
          migrate: {image: app, restart: "no"}
          bucket: {image: mc, restart: "no"}
          db: {image: postgres, restart: "no"}
          api: {image: api, restart: "no", expose: [80]}
          queue: {image: queue, restart: "no", healthcheck: {test: "true"}}
          web: {image: app, depends_on: {migrate: {condition: service_completed_successfully}}}
        """
    shop = init(compose)
    assert {name for name, each in shop.services.items() if each.one_shot} == {"migrate"}
    assert "# bucket: {one_shot: true}  # TODO: if it runs once and ends" in written()
    assert "migrate:" not in written()
    assert written().count("one_shot") == 1, "the others are servers"


def test_the_specification_is_pinned(
    init: Init, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    init(WEB, "--pin")
    pinned = folder / "environments" / "shop.pin.json"
    assert "img/app:1" in pinned.read_text(encoding="utf-8")
    (folder / "compose.yaml").write_text(WEB.replace("app:1", "app:2"), encoding="utf-8")
    capsys.readouterr()
    assert main(["init", "--env", "shop", "--pin"]) == 0
    assert capsys.readouterr().out == (
        "environments/shop.pin.json: what compose.yaml specifies now\n"
    )
    assert "img/app:2" in pinned.read_text(encoding="utf-8")


def test_nothing_to_pin(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "environments").mkdir(exist_ok=True)
    (folder / "environments" / "shop.yaml").write_text("services: {web: {}}", encoding="utf-8")
    (folder / "compose.yaml").write_text(WEB, encoding="utf-8")
    assert main(["init", "--env", "shop", "--pin"]) == 4
    assert capsys.readouterr().err == (
        "stackproof: environments/shop.yaml names no Compose files to pin\n"
    )


def test_editors_find_the_schema(init: Init, written: Callable[[], str], folder: Path) -> None:
    init(WEB)
    comment = written().splitlines()[0]
    assert comment == "# yaml-language-server: $schema=environment.schema.json"
    schema = json.loads((folder / "environments" / "environment.schema.json").read_text("utf-8"))
    assert Draft7Validator(schema).is_valid(yaml.safe_load(written()))
    assert not Draft7Validator(schema).is_valid({"compos": {}})


def test_a_file_name_with_a_dollar_sign(init: Init) -> None:
    name = "it's $(a).yaml"
    shop = init({name: WEB}, name)
    assert shop.compose
    assert shop.compose.files == (name,)


def test_a_folder_below_the_compose_file(
    init: Init, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Compose does, it searches all folders above."""
    (folder / "deep" / "er").mkdir(parents=True)
    os.chdir(folder / "deep" / "er")
    assert init(WEB).services["web"].image == "img/app:1"
    assert capsys.readouterr().out.startswith("../../environments/shop.yaml: 1 service, from ")
    assert main(["show", "shop"]) == 0
    assert "image: img/app:1" in capsys.readouterr().out
    assert main(["init"]) == 4
    assert "../../environments/shop.yaml exists" in capsys.readouterr().err


def test_other_files_are_no_reason_to_write_elsewhere(
    init: Init, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "deep").mkdir()
    os.chdir(folder / "deep")
    monkeypatch.setenv("COMPOSE_FILE", "own.yaml")
    (folder / "deep" / "own.yaml").write_text("services: {db: {image: pg}}", encoding="utf-8")
    (folder / "compose.yaml").write_text(WEB, encoding="utf-8")
    assert main(["init"]) == 0
    assert (folder / "deep" / "environments" / "deep.yaml").exists()


def test_compose_takes_one_override(init: Init) -> None:
    """The first by its name, also of the other stem."""
    image = "services: {{web: {{image: 'img/app:{}'}}}}"
    files = {
        "compose.yaml": WEB,
        "docker-compose.override.yml": image.format(2),
        "compose.override.yaml": image.format(3),
        "compose.override.yml": image.format(4),
    }
    assert init(files).services["web"].image == "img/app:4"
