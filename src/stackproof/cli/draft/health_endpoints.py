"""Health endpoints in the commands of health checks: `curl -f http://localhost:8080/health`."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_VARIABLE = r"\$\$?(?:\{[^{}]*\}|\w+)"
_TARGET = rf"""
    (?P<host>localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0|\$\$?\{{?HOSTNAME\}}?)
    (?::(?P<port>\d+|{_VARIABLE}))?
    (?P<path>/(?:{_VARIABLE}|[^\s"'`|;)>\\&$]|&(?!&))*)?
    (?=[\s"'`|;)>&]|$)
"""
_URL = re.compile(rf"""(?P<scheme>https?)://{_TARGET}""", re.VERBOSE)
_NO_SCHEME = re.compile(rf"""(?<![^\s"'])(?P<scheme>){_TARGET}""", re.VERBOSE)
_CLIENT = re.compile(r"(?<![\w.-])(curl|wget)\s")
_END = re.compile(r"\|\||&&|[|;\n]")
_WORD = re.compile(r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|(?!\|\||&&|[|;\n])\S)+""")
_AUTHORIZATION = re.compile(r"[Aa]uthorization:")
_HOST = re.compile(r"""['" =]Host:\s*([\w.-]+)""", re.IGNORECASE)
_OF_CONTAINER = re.compile(r"\$\$(?:\{(\w+)(?::-([^{}]*))?\}|(\w+))")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


_CURL_OPTIONS = """
abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout
connect-to continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii
data-binary data-raw data-urlencode delegation dns-interface dns-ipv4-addr dns-ipv6-addr
dns-servers doh-url dump-header ech egd-file engine etag-compare etag-save expect100-timeout form
form-string ftp-account ftp-alternative-to-user ftp-method ftp-port happy-eyeballs-timeout-ms
haproxy-clientip header hostpubmd5 hostpubsha256 hsts interface ip-tos ipfs-gateway json
keepalive-cnt keepalive-time key key-type krb libcurl limit-rate local-port login-options
mail-auth mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer
output output-dir parallel-max pass pinnedpubkey preproxy proto proto-default proto-redir proxy
proxy-cacert proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header
proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers
proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 pubkey quote random-file
range rate referer request request-target resolve retry retry-delay retry-max-time sasl-authzid
service-name socks4 socks4a socks5 socks5-gssapi-service socks5-hostname speed-limit speed-time
stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers tlsauthtype tlspassword tlsuser
trace trace-ascii trace-config unix-socket upload-file url-query user user-agent variable
vlan-priority write-out
"""
_CURL_NOT_PLAIN = """
d F T u x K abstract-unix-socket aws-sigv4 config connect-to data data-ascii data-binary data-raw
data-urlencode form form-string json oauth2-bearer preproxy proxy proxy1.0 request-target socks4
socks4a socks5 socks5-hostname unix-socket upload-file url-query user
"""
_WGET_OPTIONS = """
accept accept-regex append-output base bind-address body-data body-file ca-certificate
ca-directory certificate certificate-type ciphers compression config connect-timeout crl-file
cut-dirs default-page directory-prefix dns-timeout domains exclude-directories exclude-domains
execute follow-tags header http-password http-user ignore-tags include-directories input-file
level limit-rate load-cookies local-encoding max-redirect method output-document output-file
password pinnedpubkey post-data post-file prefer-family private-key private-key-type progress
proxy-password proxy-user quota read-timeout referer reject reject-regex remote-encoding
report-speed restrict-file-names retry-on-http-error save-cookies secure-protocol start-pos
timeout tries user user-agent wait waitretry
"""
_WGET_NOT_PLAIN = """
body-data body-file http-password http-user i input-file password post-data post-file user
"""


@dataclass(frozen=True)
class _Client:
    """The options of a program that sends a request."""

    letters: str
    """Those of a letter that have an argument."""
    words: frozenset[str]
    """The others that have one, except the one for the URL."""
    not_plain: frozenset[str]
    """Options with which it sends no plain GET request to the address in the URL."""
    method: frozenset[str]
    insecure: frozenset[str]


_CLIENTS = {
    "curl": _Client(
        letters="AbcCdDeEFHKmoPQrtTuUwxXyYz",
        words=frozenset(_CURL_OPTIONS.split()),
        not_plain=frozenset(_CURL_NOT_PLAIN.split()),
        method=frozenset({"X", "request"}),
        insecure=frozenset({"k", "insecure"}),
    ),
    "wget": _Client(
        # `-nv` and others that start with n are one option.
        letters="aABDeIilnoOPQRtTUwXY",
        words=frozenset(_WGET_OPTIONS.split()),
        not_plain=frozenset(_WGET_NOT_PLAIN.split()),
        method=frozenset({"method"}),
        insecure=frozenset({"no-check-certificate"}),
    ),
}


@dataclass(frozen=True)
class _Command:
    """One command line of a client."""

    options: Mapping[str, str]
    """By name without dashes, with the arguments of those that have one."""
    text: str
    """The command without these arguments, in which other words have their places."""


@dataclass(frozen=True)
class Endpoint:
    """What a health check requests in its container, with Compose's expressions."""

    scheme: str
    port: str
    path: str
    host: str
    """The `Host` header and the TLS server name; empty if neither matters."""
    insecure: bool
    """Whether the certificate is not verified."""


def find(test: Any, environment: Mapping[str, str]) -> Endpoint | None:
    """Return the endpoint that a health check requests from its own container with curl or wget.

    Args:
        test: the `test` of the health check, as it is written.
        environment: the variables of the container, for those that its shell replaces.
    """
    for client in _CLIENT.finditer(line := _line(test)):
        declared = _CLIENTS[client[1]]
        command = _parse(line[client.start() :], declared)
        target = _URL.search(command.text) or _NO_SCHEME.search(command.text)
        if not target or not _is_plain_get(command, declared):
            continue
        shown = line[client.start() :][: len(command.text)]
        if _AUTHORIZATION.search(shown):
            continue
        scheme = target["scheme"] or "http"
        host = _HOST.search(shown)
        port = _replaced(target["port"] or _DEFAULT_PORTS[scheme], environment)
        path = _replaced(target["path"] or "/", environment)
        if port is not None and path is not None:
            is_insecure = scheme == "https" and not declared.insecure.isdisjoint(command.options)
            # The certificate is that of the host in the URL.
            of_url = target["host"] if scheme == "https" and not is_insecure else ""
            return Endpoint(scheme, port, path, host[1] if host else of_url, is_insecure)
    return None


def _line(test: Any) -> str:
    """Return the test of a health check as one line, with quotes that keep its arguments apart."""
    if not isinstance(test, list):
        return str(test or "")
    # An argument with a command in it is for a shell.
    arguments = (str(each) for each in test[1:])
    return " ".join(each if _CLIENT.search(each) else shlex.quote(each) for each in arguments)


def _parse(text: str, client: _Client) -> _Command:
    """Parse the words of a command up to its end. Quotes may be open: it is a part of a script."""
    options: dict[str, str] = {}
    left, waiting = list(text), ""
    end = len(text)
    position = 0
    while position < len(text):
        word = _WORD.match(text, position)
        if word is None:
            if _END.match(text, position):
                end = position
                break
            position += 1
            continue
        position = word.end()
        plain = word[0].strip("'\"")
        if waiting:
            options[waiting], argument_at, waiting = plain, word.start(), ""
        else:
            name, argument, waiting = _option(plain, client)
            if name:
                options[name] = argument
            options.update(dict.fromkeys(_flags(plain, client), ""))
            argument_at = word.start() if argument else word.end()
        left[argument_at : word.end()] = "x" * (word.end() - argument_at)
    return _Command(options, "".join(left[:end]))


def _option(word: str, client: _Client) -> tuple[str, str, str]:
    """Return an option that has an argument, the argument, and the option whose comes next."""
    if word.startswith("--"):
        name, has_argument, argument = word.removeprefix("--").partition("=")
        if name not in client.words:
            return "", "", ""
        return (name, argument, "") if has_argument else ("", "", name)
    if not word.startswith("-"):
        return "", "", ""
    at = next((at for at, letter in enumerate(word) if letter in client.letters), 0)
    if not at:
        return "", "", ""
    return (word[at], word[at + 1 :], "") if word[at + 1 :] else ("", "", word[at])


def _flags(word: str, client: _Client) -> Iterator[str]:
    """Yield the options in a word that have no argument."""
    if word.startswith("--"):
        yield word.removeprefix("--")
    elif word.startswith("-"):
        for letter in word[1:]:
            if letter in client.letters:
                return
            yield letter


def _is_plain_get(command: _Command, client: _Client) -> bool:
    methods = {command.options[name] for name in client.method & command.options.keys()}
    return methods <= {"GET"} and client.not_plain.isdisjoint(command.options)


def _replaced(text: str, environment: Mapping[str, str]) -> str | None:
    """Replace the variables that the container's shell replaces; None if one is unknown."""
    for variable in _OF_CONTAINER.finditer(text):
        name = variable[1] or variable[3]
        value = environment.get(name) or variable[2]
        if not value:
            return None
        text = text.replace(variable[0], value)
    return text
