"""The certificates of an engine behind TLS: from variables, the file and the context."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import trustme

from stackproof.engine.connection import connect
from stackproof.environment.loader import InvalidEnvironment, load
from stackproof.environment.machine import Engine
from stackproof.unobserved import UnobservedError
from tests.environment.test_engine_address import context, engine, message_of
from tests.probes.http.sites import serving


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[Path, trustme.LeafCert]:
    """Return a directory for DOCKER_CERT_PATH, and a certificate that it trusts."""
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
        with pytest.raises(UnobservedError, match=r"\(DOCKER_HOST\): TLS certificate refused: "):
            connect(verified)
    (folder / "ca.pem").unlink()
    assert message_of(config, DOCKER_TLS_VERIFY="1", **variables) == (
        f"DOCKER_TLS_VERIFY: {folder}/ca.pem cannot be read: No such file or directory"
    )
    assert engine(config, DOCKER_HOST="tcp://h", DOCKER_TLS="1").address == "tcp://h:2376"


def test_declared_certificates(config: Path, certificates: tuple[Path, trustme.LeafCert]) -> None:
    folder, certificate = certificates

    def declared(path: str, address: str = "", **variables: str) -> Engine:
        (config.parent / "shop.yaml").write_text(
            f"engine: {{cert_path: {path}, address: '{address}'}}\nservices: {{api: {{}}}}\n"
        )
        return load("shop", config.parent, {"DOCKER_CONFIG": str(config), **variables}).engine

    with serving(answer, certificate) as site:
        for path in (str(folder), folder.name):  # relative to the file
            connect(declared(path, f"tcp://{site.address}")).close()
        connect(declared(str(folder), DOCKER_HOST=f"tcp://{site.address}")).close()
        context(config, "far", Host=f"tcp://{site.address}")
        connect(declared(str(folder), DOCKER_CONTEXT="far")).close()
    assert declared(str(folder), "tcp://h").address == "tcp://h:2376"
    assert declared(str(folder), "unix:///engine.sock").tls is None
    with pytest.raises(InvalidEnvironment, match=r"^engine\.cert_path: .*/ca\.pem cannot be read"):
        declared("none", "tcp://h")


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
        assert message_of(config, DOCKER_CONTEXT="far").endswith(
            "key.pem cannot be read: not a regular file"
        )
