"""Every https host has a certificate that clients accept, now and in the coming weeks.

If clients refuse a certificate, the host's routes fail as well. These checks say why.
"""

from collections.abc import Callable
from datetime import timedelta

from stackproof.environment.routes import TlsHost
from stackproof.facts.snapshot import Facts
from stackproof.facts.tls import Certificate, Handshake
from stackproof.finding import Finding, finding
from stackproof.fixtures.session.collection import critical
from stackproof.hint import advice, log_of, tls_client
from stackproof.unobserved import Unobserved, UnobservedError

# OpenSSL verifies the chain before dates and names: with these codes the chain is valid.
_NOT_YET_VALID, _EXPIRED, _OTHER_HOST = 9, 10, 62
_OBSOLETE = "-min_protocol TLSv1 -max_protocol TLSv1.1 -cipher ALL:@SECLEVEL=0"


@critical
def test_trusted(tls_host: TlsHost, handshake: Handshake, facts: Facts) -> None:
    """Browsers block users if they do not trust the issuer of a certificate."""
    refused = handshake.error or handshake.refused
    code, shown = handshake.refused_code, handshake.certificate
    certificate = shown if isinstance(shown, Certificate) else None
    if certificate and not certificate.not_before <= facts.gathered_at <= certificate.not_after:
        chain_is_valid = code in (_NOT_YET_VALID, _EXPIRED)  # concerns the certificate itself
    else:
        chain_is_valid = code == _OTHER_HOST
    assert refused is None or chain_is_valid, finding(
        tls_host,
        "certificate's issuer",
        expected="trusted",
        observed=refused,
        evidence=_describe(certificate),
        hint=(
            tls_client(tls_host.host, tls_host.port, "-showcerts"),
            log_of(tls_host.service)
            if handshake.error
            else advice("serve the full chain of a trusted authority"),
        ),
    )


@critical
def test_host_name(tls_host: TlsHost, certificate: Certificate) -> None:
    """Clients refuse a certificate for another host, for example after two sites were mixed up."""
    assert any(_covers(name, tls_host.host) for name in certificate.names), finding(
        tls_host,
        "certificate's names",
        expected=tls_host.host,
        observed=", ".join(certificate.names) or None,
        evidence=_describe(certificate),
        hint=(
            tls_client(tls_host.host, tls_host.port, then="openssl x509 -noout -subject -issuer"),
            advice("fix the ssl_certificate line of the host's server block"),
        ),
    )


@critical
def test_dates(
    tls_host: TlsHost, certificate: Certificate, facts: Facts, warn: Callable[[Finding], None]
) -> None:
    """A certificate that expires soon means that its renewal has failed for weeks."""
    now, left = facts.gathered_at, certificate.not_after - facts.gathered_at
    if certificate.not_before > now:
        observed = f"not valid before {certificate.not_before:%Y-%m-%d %H:%M} UTC"
    elif certificate.not_after < now:
        observed = f"expired on {certificate.not_after:%Y-%m-%d %H:%M} UTC"
    else:
        observed = f"{left.days} days left, until {certificate.not_after:%Y-%m-%d}"
    right = certificate.not_before <= now and left >= timedelta(days=tls_host.days_left)
    if right and left < timedelta(days=tls_host.warn_days_left):
        expected = f"valid for at least {tls_host.warn_days_left} more days"
        warn(finding(tls_host, "certificate's dates", expected=expected, observed=observed))
    assert right, finding(
        tls_host,
        "certificate's dates",
        expected=f"valid for at least {tls_host.days_left} more days",
        observed=observed,
        evidence=_describe(certificate),
        hint=(
            tls_client(tls_host.host, tls_host.port, then="openssl x509 -noout -subject -dates"),
            advice("renew it and reload the proxy, then find out why nothing renewed it in time"),
        ),
    )


def test_version(tls_host: TlsHost, handshake: Handshake) -> None:
    """TLS versions before 1.2 are broken, and attackers ask for the oldest one."""
    if handshake.version is None:
        raise UnobservedError(f"there was no handshake: {handshake.error}")
    if isinstance(handshake.obsolete, Unobserved):
        raise UnobservedError(handshake.obsolete.reason)
    assert handshake.obsolete is None, finding(
        tls_host,
        "TLS version",
        expected="at least TLSv1.2",
        observed=f"also {handshake.obsolete}",
        evidence={"with a modern client": handshake.version},
        hint=(
            tls_client(tls_host.host, tls_host.port, _OBSOLETE),
            advice("in nginx's http block: ssl_protocols TLSv1.2 TLSv1.3; then reload nginx"),
        ),
    )


def _covers(name: str, host: str) -> bool:
    name, host = name.lower(), host.lower()
    return name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:])


def _describe(certificate: Certificate | None) -> dict[str, object] | None:
    if certificate is None:
        return None
    return {
        "subject": certificate.subject,
        "names": ", ".join(certificate.names),
        "issuer": certificate.issuer,
        "valid": f"{certificate.not_before} to {certificate.not_after}",
    }
