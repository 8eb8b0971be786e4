"""Puts a bad certificate in the place of a host's: `python -m lab.faults.certificate KIND HOST`."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import trustme

from lab import certificates, nginx_config, secret_files

_DAY = timedelta(days=1)


def _expired(host: str) -> tuple[bytes, bytes]:
    now = datetime.now(UTC)
    return certificates.issue(host, not_before=now - 90 * _DAY, not_after=now - _DAY)


def _ending(host: str) -> tuple[bytes, bytes]:
    return certificates.issue(host, not_after=datetime.now(UTC) + 5 * _DAY)


def _other_host(_: str) -> tuple[bytes, bytes]:
    return certificates.issue("other.example.com")


def _unknown_authority(host: str) -> tuple[bytes, bytes]:
    leaf = trustme.CA(organization_name="nobody knows it").issue_cert(host)
    return b"".join(pem.bytes() for pem in leaf.cert_chain_pems), leaf.private_key_pem.bytes()


KINDS: dict[str, Callable[[str], tuple[bytes, bytes]]] = {
    "expired": _expired,
    "ending": _ending,
    "other-host": _other_host,
    "unknown-authority": _unknown_authority,
}


def serve(kind: str, host: str) -> None:
    """Have nginx show a certificate of this kind for the host."""
    chain, key = KINDS[kind](host)
    directory = nginx_config.DIRECTORY / "certificates"
    secret_files.write(directory / f"{host}.key", key)
    (directory / f"{host}.crt").write_bytes(chain)
    nginx_config.reload()


if __name__ == "__main__":
    serve(*sys.argv[1:])
