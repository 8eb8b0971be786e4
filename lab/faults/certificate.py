"""Replaces the certificate of a host: `python -m lab.faults.certificate KIND HOST`."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab import certificates, nginx_config, secret_files

_DAY = timedelta(days=1)


def _expired(host: str) -> tuple[bytes, bytes]:
    now = datetime.now(UTC)
    return certificates.issue(host, not_before=now - 90 * _DAY, not_after=now - _DAY)


def _ending(host: str) -> tuple[bytes, bytes]:
    return certificates.issue(host, not_after=datetime.now(UTC) + 5 * _DAY)


def _not_yet_valid(host: str) -> tuple[bytes, bytes]:
    return certificates.issue(host, not_before=datetime.now(UTC) + _DAY)


def _incomplete_chain(host: str) -> tuple[bytes, bytes]:
    leaf = certificates.authority().create_child_ca().issue_cert(host)
    return leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes()


def _self_signed(host: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 90 * _DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM), key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def _other_host(_: str) -> tuple[bytes, bytes]:
    return certificates.issue("other.example.com")


def _unknown_authority(host: str) -> tuple[bytes, bytes]:
    leaf = trustme.CA(organization_name="unknown authority").issue_cert(host)
    return b"".join(pem.bytes() for pem in leaf.cert_chain_pems), leaf.private_key_pem.bytes()


_RENEWED = "renewed"
KINDS: dict[str, Callable[[str], tuple[bytes, bytes]]] = {
    "expired": _expired,
    "ending": _ending,
    "not-yet-valid": _not_yet_valid,
    "incomplete-chain": _incomplete_chain,
    "self-signed": _self_signed,
    "other-host": _other_host,
    "unknown-authority": _unknown_authority,
    _RENEWED: certificates.issue,
}


def serve(kind: str, host: str) -> None:
    """Have nginx show a certificate of this kind for the host, unless it is only renewed."""
    chain, key = KINDS[kind](host)
    directory = nginx_config.DIRECTORY / "certificates"
    secret_files.write(directory / f"{host}.key", key)
    (directory / f"{host}.crt").write_bytes(chain)
    if kind != _RENEWED:
        nginx_config.reload()


if __name__ == "__main__":
    serve(*sys.argv[1:])
