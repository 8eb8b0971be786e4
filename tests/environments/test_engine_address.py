"""Where the engine is: the file, DOCKER_HOST, the context, the default socket, in this order."""

import json
import os
import socket
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trustme

from environments.loader import InvalidEnvironment, load
from environments.machine import Engine
from fixtures.connection import connect
from fixtures.observation import CannotLook
from tests.fixtures.sites import serving

DEFAULT = "unix:///var/run/docker.sock"
ENGINE = "expected an engine such as unix:///var/run/docker.sock or ssh://user@host:22"
FAR = "tcp://203.0.113.7:2375"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "docker"
    folder.mkdir()
    return folder


def engine(config: Path, address: str = "", /, **variables: str) -> Engine:
    declared = f"engine: {{address: '{address}'}}\n" if address else ""
    (config.parent / "shop.yaml").write_text(declared + "services: {api: {}}\n", encoding="utf-8")
    return load("shop", config.parent, {"DOCKER_CONFIG": str(config), **variables}).engine


def refusal(config: Path, **variables: str) -> str:
    with pytest.raises(InvalidEnvironment) as refused:
        engine(config, **variables)
    assert refused.value.__context__ is None
    text = str(refused.value)
    assert len(text.splitlines()) == 1
    return text.replace(f"{config}/", "")


def select(config: Path, name: object) -> None:
    (config / "config.json").write_text(json.dumps({"currentContext": name}), encoding="utf-8")


def context(config: Path, name: str, **endpoint: Any) -> Path:
    """Make a context as `docker context create` does; its TLS files go into the folder returned."""
    identity = sha256(name.encode()).hexdigest()
    meta = config / "contexts" / "meta" / identity
    meta.mkdir(parents=True)
    text = json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}})
    (meta / "meta.json").write_text(text, encoding="utf-8")
    tls = config / "contexts" / "tls" / identity / "docker"
    tls.mkdir(parents=True)
    return tls


def test_order(config: Path) -> None:
    for name in ("current", "chosen"):
        context(config, name, Host=f"unix:///{name}.sock")
    select(config, "current")
    variables = {"DOCKER_HOST": FAR, "DOCKER_CONTEXT": "chosen"}
    found = []
    for address, left in (("unix:///declared.sock", 2), ("", 2), ("", 1), ("", 0)):
        given = dict(list(variables.items())[len(variables) - left :])
        at = engine(config, address, **given)
        found.append((at.address, at.source))
    select(config, "")
    at = engine(config)
    assert [*found, (at.address, at.source)] == [
        ("unix:///declared.sock", ""),
        (FAR, "DOCKER_HOST"),
        ("unix:///chosen.sock", "context chosen"),
        ("unix:///current.sock", "context current"),
        (DEFAULT, ""),
    ]


def test_default_is_no_context(config: Path) -> None:
    select(config, "current")
    assert engine(config, DOCKER_CONTEXT="default").address == DEFAULT
    select(config, "default")
    assert engine(config).address == DEFAULT


def test_configuration_of_the_user(config: Path) -> None:
    home = config.parent / "home"
    (home / ".docker").mkdir(parents=True)
    context(home / ".docker", "mine", Host=FAR)
    select(home / ".docker", "mine")
    assert engine(config, DOCKER_CONFIG="", HOME=str(home)).address == FAR


def test_an_empty_address_is_none(config: Path) -> None:
    (config.parent / "shop.yaml").write_text(
        "engine: {address: '${NONE:-}'}\nservices: {api: {}}\n", encoding="utf-8"
    )
    loaded = load("shop", config.parent, {"DOCKER_CONFIG": str(config), "DOCKER_HOST": FAR})
    assert (loaded.engine.address, loaded.engine.named) == (FAR, f"{FAR} (DOCKER_HOST)")


def test_nothing_is_resolved_offline(config: Path) -> None:
    (config.parent / "shop.yaml").write_text("services: {api: {}}\n", encoding="utf-8")
    variables = {"DOCKER_CONFIG": str(config), "DOCKER_HOST": "npipe://"}
    assert load("shop", config.parent, variables, offline=True).engine == Engine()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("unix:///run/user/1000/docker.sock", "unix:///run/user/1000/docker.sock"),
        ("unix://", DEFAULT),
        ("127.0.0.1:2375", "tcp://127.0.0.1:2375"),
        ("tcp://docker", "tcp://docker:2375"),
        ("tcp://[::1]:2375", "tcp://[::1]:2375"),
        (" ssh://deploy@shop.example ", "ssh://deploy@shop.example"),
    ],
)
def test_docker_host(config: Path, host: str, address: str) -> None:
    assert engine(config, DOCKER_HOST=host).address == address


@pytest.mark.parametrize(
    "host",
    [
        "npipe:////./pipe/docker_engine", "fd://", "http://127.0.0.1:2375", "TCP://127.0.0.1:1",
        "garbage", "tcp://", "tcp://:2375", "tcp://h:0", "tcp://h:99999", "tcp://h:80:80", "tcp://[",
        "tcp://h:²", "tcp://a b:1", "tcp://h:1\nX", "tcp://h:1?x", "unix://relative",
        "/var/run/docker.sock", "ssh://", "ssh://-oProxyCommand=x", "ssh://-l@h", "ssh://h/path",
        "tcp://user:pw@h:1", "ssh://user:pw@h", "tcp://..:1", f"tcp://{'a' * 64}:1",
    ],
)  # fmt: skip
def test_docker_host_refused(config: Path, host: str) -> None:
    assert refusal(config, DOCKER_HOST=host) == f"DOCKER_HOST: {ENGINE}"


def test_a_password_is_never_told(config: Path) -> None:
    with pytest.raises(InvalidEnvironment, match=r"engine\.address: expected an engine") as refused:
        engine(config, "tcp://admin:hunter2@shop.example:2376")
    assert "hunter2" not in str(refused.value)
    context(config, "far", Host="tcp://admin:hunter2@shop.example:2376")
    assert "hunter2" not in refusal(config, DOCKER_CONTEXT="far")


@pytest.mark.parametrize("name", ["gone", "../../etc", "a\nb", "\x1b[2J", "x" * 5000])
def test_a_context_that_is_not_there(config: Path, name: str) -> None:
    assert ": there is no such context" in refusal(config, DOCKER_CONTEXT=name)


def test_a_broken_context(config: Path) -> None:
    meta = context(config, "far").parents[2] / "meta" / sha256(b"far").hexdigest() / "meta.json"
    of = "context far (DOCKER_CONTEXT): "
    file = str(meta).replace(f"{config}/", "")
    for text, message in (
        ("{", f"{file} is not valid JSON"),
        ("[" * 100_000, f"{file} is not valid JSON"),
        ("[]", f"{file} holds no JSON object"),
        ("{}", ENGINE),
        ('{"Endpoints": 3}', ENGINE),
        ('{"Endpoints": {"docker": []}}', ENGINE),
        ('{"Endpoints": {"docker": {"Host": null}}}', ENGINE),
        ('{"Endpoints": {"docker": {"Host": ""}}}', f"{ENGINE}, got ''"),
        ('{"Endpoints": {"docker": {"Host": "npipe://x"}}}', f"{ENGINE}, got 'npipe://x'"),
        (" " * 2_000_000, f"{file} cannot be read: larger than 1024 KiB"),
    ):
        meta.write_text(text, encoding="utf-8")
        assert refusal(config, DOCKER_CONTEXT="far") == of + message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "config.json is not valid JSON"),
        ("\x00", "config.json is not valid JSON"),
        ("9" * 5000, "config.json is not valid JSON"),
        ("[" * 100_000, "config.json is not valid JSON"),
        ("[]", "config.json holds no JSON object"),
        ('{"currentContext": 3}', "config.json: currentContext: expected the name of a context"),
        (" " * 2_000_000, "config.json cannot be read: larger than 1024 KiB"),
    ],
)
def test_a_broken_configuration(config: Path, content: str, message: str) -> None:
    (config / "config.json").write_text(content, encoding="utf-8")
    assert refusal(config) == f"Docker's configuration: {message}"
    assert engine(config, DOCKER_HOST=FAR).address == FAR


def test_a_configuration_that_is_no_file(config: Path) -> None:
    os.mkfifo(config / "config.json")
    assert refusal(config).endswith("config.json cannot be read: not a regular file")
    # The Docker SDK would read it all the same.
    assert refusal(config, DOCKER_HOST=FAR) == refusal(config)
    (config / "config.json").unlink()
    (config / "config.json").symlink_to("/dev/zero")
    assert refusal(config).endswith("config.json cannot be read: not a regular file")


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[Path, trustme.LeafCert]:
    """A folder as DOCKER_CERT_PATH names one, and what an engine that it trusts shows."""
    authority = trustme.CA()
    folder = tmp_path / "certificates"
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    ours = authority.issue_cert("us")
    ours.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    ours.private_key_pem.write_to_path(folder / "key.pem")
    return folder, authority.issue_cert("127.0.0.1")


def answer(_: str) -> tuple[int, Mapping[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, b'{"ApiVersion": "1.41"}'


def test_tls_by_variables(config: Path, certificates: tuple[Path, trustme.LeafCert]) -> None:
    folder, certificate = certificates
    with serving(answer, certificate) as site:
        variables = {"DOCKER_HOST": f"tcp://{site.address}", "DOCKER_CERT_PATH": str(folder)}
        verified = engine(config, DOCKER_TLS_VERIFY="1", **variables)
        connect(verified).close()
        connect(engine(config, DOCKER_TLS="1", **variables)).close()
        declared = engine(
            config, f"tcp://{site.address}", DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(folder)
        )
        connect(declared).close()
        trustme.CA().cert_pem.write_to_path(folder / "ca.pem")
        with pytest.raises(CannotLook, match=r"\(DOCKER_HOST\): TLS certificate refused: "):
            connect(verified)
    (folder / "ca.pem").unlink()
    assert refusal(config, DOCKER_TLS_VERIFY="1", **variables) == (
        f"DOCKER_TLS_VERIFY: {folder}/ca.pem cannot be read: No such file or directory"
    )
    assert engine(config, DOCKER_HOST="tcp://h", DOCKER_TLS="1").address == "tcp://h:2376"


def test_tls_by_context(config: Path, certificates: tuple[Path, trustme.LeafCert]) -> None:
    folder, certificate = certificates
    with serving(answer, certificate) as site:
        tls = context(config, "far", Host=f"tcp://{site.address}", SkipTLSVerify=False)
        for name in ("ca.pem", "cert.pem", "key.pem"):
            (tls / name).write_bytes((folder / name).read_bytes())
        context(config, "skip", Host=f"tcp://{site.address}", SkipTLSVerify=True)
        connect(engine(config, DOCKER_CONTEXT="far")).close()
        connect(engine(config, DOCKER_CONTEXT="skip")).close()
        context(config, "plain", Host=f"tcp://{site.address}")
        assert engine(config, DOCKER_CONTEXT="plain").tls is None
        (tls / "key.pem").unlink()
        os.mkfifo(tls / "key.pem")
        assert refusal(config, DOCKER_CONTEXT="far").endswith(
            "key.pem cannot be read: not a regular file"
        )


def test_the_socket_of_a_context_is_connected_to(config: Path) -> None:
    path = config.parent / "engine.sock"
    context(config, "near", Host=f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    # Bound once, and nobody listens.
    with pytest.raises(CannotLook) as unseen:
        connect(engine(config, DOCKER_CONTEXT="near"))
    assert str(unseen.value) == f"engine unix://{path} (context near): connection refused"
