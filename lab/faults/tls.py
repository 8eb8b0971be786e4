"""Certificates that clients refuse, or will soon, and a protocol that they should."""

import shlex
import sys

from lab.faults.fault import Fault, checks
from lab.faults.reload import RELOAD

_HOST = "nexusai.domain.com"
_REFUSED = checks("routes.status[nexusai]")
_NO_ANSWER = ("routes.*[nexusai]",)


def _certificate(kind: str) -> str:
    return f"cd .. && {shlex.quote(sys.executable)} -m lab.faults.certificate {kind} {_HOST}"


FAULTS = (
    Fault(
        "certificate-expired",
        "a certificate was not renewed in time",
        inject=_certificate("expired"),
        heal="true",
        red=checks(f"tls.dates[{_HOST}]") | _REFUSED,
        unknown=_NO_ANSWER,
        says=f"{_HOST} certificate's dates: expected valid for at least 7 more days, "
        "observed expired on",
    ),
    Fault(
        "certificate-ends-soon",
        "the renewal of a certificate has failed for weeks, and nobody noticed",
        inject=_certificate("ending"),
        heal="true",
        red=checks(f"tls.dates[{_HOST}]"),
        says=f"{_HOST} certificate's dates: expected valid for at least 7 more days, "
        "observed 4 days left",
    ),
    Fault(
        "certificate-for-another-host",
        "a site shows the certificate of another one",
        inject=_certificate("other-host"),
        heal="true",
        red=checks(f"tls.host_name[{_HOST}]") | _REFUSED,
        unknown=_NO_ANSWER,
        says=f"{_HOST} certificate's names: expected {_HOST}, observed other.example.com",
    ),
    Fault(
        "certificate-from-unknown-authority",
        "a certificate comes from an authority that clients do not know",
        inject=_certificate("unknown-authority"),
        heal="true",
        red=checks(f"tls.trusted[{_HOST}]") | _REFUSED,
        unknown=_NO_ANSWER,
        says=f"{_HOST} certificate's issuer: expected trusted, observed unable to get local issuer",
    ),
    Fault(
        "certificate-not-yet-valid",
        "a certificate was put in place before its time",
        inject=_certificate("not-yet-valid"),
        heal="true",
        red=checks(f"tls.dates[{_HOST}]") | _REFUSED,
        unknown=_NO_ANSWER,
        says=f"{_HOST} certificate's dates: expected valid for at least 7 more days, "
        "observed not valid before",
    ),
    Fault(
        "certificate-chain-incomplete",
        "the certificate between the authority's and the host's is missing: some clients know it",
        inject=_certificate("incomplete-chain"),
        heal="true",
        red=checks(f"tls.trusted[{_HOST}]") | _REFUSED,
        unknown=_NO_ANSWER,
        says=f"{_HOST} certificate's issuer: expected trusted, observed unable to get local issuer",
    ),
    Fault(
        "certificate-self-signed",
        "the certificate that a program makes for itself was left in place",
        inject=_certificate("self-signed"),
        heal="true",
        red=checks(f"tls.trusted[{_HOST}]") | _REFUSED,
        unknown=_NO_ANSWER,
        says=f"{_HOST} certificate's issuer: expected trusted, observed self-signed certificate",
    ),
    Fault(
        "tls-obsolete",
        "someone let TLS 1.1 in again, for an old client",
        inject="sed -i 's/ssl_protocols TLSv1.2/ssl_protocols TLSv1.1 TLSv1.2/; "
        f"/ssl_protocols/a ssl_ciphers DEFAULT:@SECLEVEL=0;' out/nginx/nginx.conf && {RELOAD}",
        heal="true",
        red=checks(f"tls.version[chatbuilds.com, python-api.chatbuilds.com, {_HOST}]"),
        says="chatbuilds.com TLS version: expected at least TLSv1.2, observed TLSv1.1 is accepted",
    ),
)
