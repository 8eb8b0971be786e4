"""Certificates that clients refuse, or will soon, and a protocol that they should."""

import shlex
import sys

from lab.faults.fault import Fault, checks
from lab.faults.reload import RELOAD

_HOST = "nexusai.domain.com"


def _shown(
    name: str,
    sentence: str,
    kind: str,
    check: str,
    *,
    says: str,
    refused: bool = True,
) -> Fault:
    """A fault of the certificate that a host shows, which clients refuse, or will soon."""
    return Fault(
        name,
        sentence,
        inject=f"cd .. && {shlex.quote(sys.executable)} -m lab.faults.certificate {kind} {_HOST}",
        red=checks(f"tls.{check}[{_HOST}]", *(["routes.status[nexusai]"] if refused else [])),
        unknown=("routes.*[nexusai]",) if refused else (),
        says=f"{_HOST} certificate's {says}",
    )


FAULTS = (
    Fault(
        "certificate-not-loaded",
        "a certificate was renewed, and nginx not reloaded: clients get the old one until it ends",
        inject=f"(cd .. && {shlex.quote(sys.executable)} -m lab.faults.certificate renewed {_HOST})"
        # A file's time counts in whole seconds, and the last load may be of this one.
        f" && touch --date='1 second' out/nginx/certificates/{_HOST}.crt",
        red=checks("nginx.config_loaded[nginx]"),
        says="nginx loaded configuration: expected the one on disk, observed "
        f"certificates/{_HOST}.crt changed at",
    ),
    _shown(
        "certificate-expired", "a certificate was not renewed in time", "expired", "dates",
        says="dates: expected valid for at least 7 more days, observed expired on",
    ),
    _shown(
        "certificate-ends-soon",
        "the renewal of a certificate has failed for weeks, unnoticed", "ending", "dates",
        says="dates: expected valid for at least 7 more days, observed 4 days left",
        refused=False,
    ),
    _shown(
        "certificate-for-another-host", "a site shows the certificate of another one",
        "other-host", "host_name",
        says=f"names: expected {_HOST}, observed other.example.com",
    ),
    _shown(
        "certificate-from-unknown-authority",
        "a certificate comes from an authority that clients do not know",
        "unknown-authority", "trusted",
        says="issuer: expected trusted, observed unable to get local issuer",
    ),
    _shown(
        "certificate-not-yet-valid", "a certificate was put in place before its time",
        "not-yet-valid", "dates",
        says="dates: expected valid for at least 7 more days, observed not valid before",
    ),
    _shown(
        "certificate-chain-incomplete",
        "the certificate between the authority's and the host's is missing: some clients know it",
        "incomplete-chain", "trusted",
        says="issuer: expected trusted, observed unable to get local issuer",
    ),
    _shown(
        "certificate-self-signed",
        "the certificate that a program makes for itself was left in place",
        "self-signed", "trusted",
        says="issuer: expected trusted, observed self-signed certificate",
    ),
    Fault(
        "tls-obsolete",
        "someone let TLS 1.1 in again, for an old client",
        inject="sed -i 's/ssl_protocols TLSv1.2/ssl_protocols TLSv1.1 TLSv1.2/; "
        f"/ssl_protocols/a ssl_ciphers DEFAULT:@SECLEVEL=0;' out/nginx/nginx.conf && {RELOAD}",
        red=checks(f"tls.version[chatbuilds.com, python-api.chatbuilds.com, {_HOST}]"),
        says="chatbuilds.com TLS version: expected at least TLSv1.2, observed also TLSv1.1",
    ),
)  # fmt: skip
