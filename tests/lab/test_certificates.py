"""The lab's certificates: valid for the names of their host, and replaced if they are not."""

from pathlib import Path

import pytest
from cryptography import x509

from lab import certificates


@pytest.fixture(autouse=True)
def _temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "DIRECTORY", tmp_path)
    monkeypatch.setattr(certificates, "AUTHORITY", tmp_path / "ca.crt")


def _names(host: str) -> list[str]:
    certificate, _ = certificates.files(host)
    extensions = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


def test_each_is_for_a_host_of_production_and_of_staging() -> None:
    certificates.ensure()
    for host, of_staging in certificates.HOSTS.items():
        assert _names(host) == [host, of_staging]


def test_a_certificate_for_other_names_is_replaced() -> None:
    certificates.ensure()
    kept, _ = certificates.files("chatbuilds.com")
    replaced, key = certificates.files("nexusai.domain.com")
    before = kept.read_bytes()
    chain, of_key = certificates.issue("other.example.com")
    replaced.write_bytes(chain)
    key.write_bytes(of_key)
    certificates.ensure()
    assert _names("nexusai.domain.com") == ["nexusai.domain.com", "nexusai.staging.chatbuilds.com"]
    assert kept.read_bytes() == before
