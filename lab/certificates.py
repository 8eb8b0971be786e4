"""The lab's certificate authority, and one server certificate per host."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509

from lab import OUT, secret_files

DIRECTORY = OUT / "certificates"
AUTHORITY = DIRECTORY / "ca.crt"
HOSTS = {
    "chatbuilds.com": "staging.chatbuilds.com",
    "python-api.chatbuilds.com": "python-api.staging.chatbuilds.com",
    "nexusai.domain.com": "nexusai.staging.chatbuilds.com",
}
"""The name of each host in production, and in staging. One certificate is for both names."""
LIFETIME = timedelta(days=90)
RENEWAL = timedelta(days=30)


def ensure() -> None:
    """Create or renew the authority and a certificate for every host."""
    if _renewal_is_due(AUTHORITY):
        made = trustme.CA(organization_name="stackproof lab")
        _save(AUTHORITY, made.cert_pem.bytes(), made.private_key_pem.bytes())
        for host in HOSTS:
            files(host)[0].unlink(missing_ok=True)
    for host in HOSTS:
        certificate, _ = files(host)
        if _renewal_is_due(certificate) or HOSTS[host] not in _names(certificate):
            _save(certificate, *issue(host))


def files(host: str) -> tuple[Path, Path]:
    """Return the files of the host's certificate and its private key."""
    return DIRECTORY / f"{host}.crt", DIRECTORY / f"{host}.key"


def authority() -> trustme.CA:
    """Return the lab's authority."""
    return trustme.CA.from_pem(AUTHORITY.read_bytes(), AUTHORITY.with_suffix(".key").read_bytes())


def issue(
    host: str, *, not_before: datetime | None = None, not_after: datetime | None = None
) -> tuple[bytes, bytes]:
    """Return a new certificate from the lab's authority and its private key, as PEM."""
    now = datetime.now(UTC)
    leaf = authority().issue_cert(
        *filter(None, (host, HOSTS.get(host))),
        # It must be valid for a client whose clock is a little behind.
        not_before=not_before or now - timedelta(hours=1),
        not_after=not_after or now + LIFETIME,
    )
    return b"".join(pem.bytes() for pem in leaf.cert_chain_pems), leaf.private_key_pem.bytes()


def _save(certificate: Path, chain: bytes, key: bytes) -> None:
    secret_files.write(certificate.with_suffix(".key"), key)
    certificate.write_bytes(chain)


def _renewal_is_due(certificate: Path) -> bool:
    if not (certificate.exists() and certificate.with_suffix(".key").exists()):
        return True
    end = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    return end - datetime.now(UTC) < RENEWAL


def _names(certificate: Path) -> list[str]:
    extensions = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)
