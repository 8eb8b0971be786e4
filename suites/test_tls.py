"""Every https host shows a certificate that clients accept, and will go on accepting.

A certificate that clients refuse makes the status of the host's routes red as well: routes are
seen as users see them. Here stands why.
"""

from collections.abc import Callable
from datetime import timedelta

from environments.routes import TlsHost
from fixtures.collection import critical
from fixtures.facts import Certificate, Facts, Handshake
from fixtures.observation import CannotLook, Unobserved
from reports.finding import Finding, finding
from reports.hint import command

# OpenSSL builds the chain before it looks at dates and names: with these the chain is right.
_NOT_YET_VALID, _EXPIRED, _OTHER_HOST = 9, 10, 62


@critical
def test_trusted(tls_host: TlsHost, handshake: Handshake, facts: Facts) -> None:
    """Browsers warn users away from a certificate whose issuer they do not trust."""
    refused = handshake.error or handshake.refused
    code, shown = handshake.refused_code, handshake.certificate
    certificate = shown if isinstance(shown, Certificate) else None
    if certificate and not certificate.not_before <= facts.gathered_at <= certificate.not_after:
        chain_is_right = code in (_NOT_YET_VALID, _EXPIRED)  # of the certificate itself
    else:
        chain_is_right = code == _OTHER_HOST
    assert refused is None or chain_is_right, finding(
        tls_host,
        "certificate's issuer",
        expected="trusted",
        observed=refused,
        evidence=_shown(certificate),
        hint=_look(tls_host) + ", then serve the full chain of a trusted authority",
    )


@critical
def test_host_name(tls_host: TlsHost, certificate: Certificate) -> None:
    """Clients refuse a certificate for another host, as after a mix-up of two sites."""
    assert any(_covers(name, tls_host.host) for name in certificate.names), finding(
        tls_host,
        "certificate's names",
        expected=tls_host.host,
        observed=", ".join(certificate.names) or None,
        evidence=_shown(certificate),
        hint=_look(tls_host) + ", then mend the ssl_certificate line of the host's server block",
    )


@critical
def test_dates(
    tls_host: TlsHost, certificate: Certificate, facts: Facts, warn: Callable[[Finding], None]
) -> None:
    """A certificate near its end means that its renewal has failed for weeks."""
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
        evidence=_shown(certificate),
        hint="renew it (certbot renew), reload nginx, then find out why nothing did so in time",
    )


def test_version(tls_host: TlsHost, handshake: Handshake) -> None:
    """Versions before 1.2 are broken; auditors look, and attackers ask for the oldest one."""
    if handshake.version is None:
        raise CannotLook(f"there was no handshake: {handshake.error}")
    if isinstance(handshake.obsolete, Unobserved):
        raise CannotLook(handshake.obsolete.reason)
    assert handshake.obsolete is None, finding(
        tls_host,
        "TLS version",
        expected="at least TLSv1.2",
        observed=f"{handshake.obsolete} is accepted too",
        evidence={"with a modern client": handshake.version},
        hint="ssl_protocols TLSv1.2 TLSv1.3; in nginx's http block, then nginx -s reload",
    )


def _covers(name: str, host: str) -> bool:
    name, host = name.lower(), host.lower()
    return name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:])


def _shown(certificate: Certificate | None) -> dict[str, object] | None:
    if certificate is None:
        return None
    return {
        "subject": certificate.subject,
        "names": ", ".join(certificate.names),
        "issuer": certificate.issuer,
        "valid": f"{certificate.not_before} to {certificate.not_after}",
    }


def _look(host: TlsHost) -> str:
    address = f"{host.host}:{host.port}"
    return command("openssl s_client -connect {} -servername {} -showcerts", address, host.host)
