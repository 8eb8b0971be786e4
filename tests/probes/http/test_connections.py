"""A route is requested from where it declares; a CA file that cannot be read is named."""

from pathlib import Path

import pytest
import trustme

from stackproof.environment.model import Environment
from stackproof.facts.response import Response
from stackproof.probes.declaration import PROBES, Need
from stackproof.probes.gather import gather
from stackproof.probes.http.connections import loopback_overrides, trusted
from stackproof.unobserved import Unobserved, UnobservedError
from tests.probes.http.sites import serving


@pytest.mark.parametrize(
    ("address", "heeded"),
    [
        ("127.0.0.1:8080", True),
        ("127.0.0.2:80", True),
        ("[::1]:8080", True),
        ("localhost:8080", True),
        ("203.0.113.7:80", False),
        ("[2001:db8::7]:80", False),
        ("shop.example:80", False),
    ],
)
def test_what_the_server_heeds_of_overrides(address: str, heeded: bool) -> None:
    assert loopback_overrides({"*:80": address}) == ({"*:80": address} if heeded else {})


def test_without_its_engine_only_the_server_cannot_be_looked_from(tmp_path: Path) -> None:
    with serving(lambda _: (200, {}, b"fine")) as site:
        route = {"url": f"http://{site.address}/", "service": "web"}
        environment = Environment.model_validate(
            {
                "name": "shop",
                "engine": {"address": f"unix://{tmp_path}/none.sock"},
                "services": {"web": {}},
                "routes": {"home": route, "server-home": {**route, "vantage": "server"}},
            }
        )
        facts = gather(
            environment, [Need(PROBES["response"], name) for name in environment.routes], run="1"
        )
    assert isinstance(facts.responses["home"], Response)
    assert facts.responses["server-home"] == Unobserved(
        reason=f"engine unix://{tmp_path}/none.sock: no such file or directory"
    )


def test_a_ca_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnobservedError) as reason:
        _trusting(tmp_path / "ca.pem")
    assert str(reason.value) == f"CA file {tmp_path}/ca.pem: No such file or directory"


def test_a_ca_file_that_holds_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate", encoding="utf-8")
    with pytest.raises(UnobservedError, match=r"^CA file \S+/ca\.pem: .*no certificate"):
        _trusting(tmp_path / "ca.pem")


def test_authorities_that_a_variable_names(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after a client that trusts the public ones."""
    shop = Environment.model_validate({"name": "shop", "services": {"web": {}}})
    assert trusted(shop, "requests").cert_store_stats()["x509_ca"] > 1
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert trusted(shop, "requests").cert_store_stats()["x509_ca"] == 1


def _trusting(ca_file: Path) -> None:
    environment = {"name": "shop", "services": {"web": {}}, "ca_file": str(ca_file)}
    trusted(Environment.model_validate(environment), "requests")
