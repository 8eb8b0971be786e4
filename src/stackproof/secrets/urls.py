"""Secrets in URLs. A URL can still be parsed after they are replaced."""

import re

IN_URL = "***"
"""The replacement of a password in a URL: brackets would mean an IPv6 address."""

IN_HOST = "REDACTED"

# The part of a URL that can contain a password, and the rest.
_URL = re.compile(r"(:\\*/\\*/)([^\s\"'<>`\\]*+)")
_ENCODED = re.compile(
    r"((?:%3A|:)%2F%2F[^\s%&\"'<>:]{0,128}(?:%3A|:))((?:[^\s&\"'<>%]|%(?!40|26)){1,256})(?=%40|@)",
    re.IGNORECASE,
)
_RELATIVE = re.compile(r"(?<![:\w\\/])(//[^\s/?#\"'<>:@\\]{0,128}:)([^\s/?#\"'<>\\]{1,256})(?=@)")
_DSN = re.compile(
    r"(?<![\w/:.@%+-])([A-Za-z][\w.+-]{0,63}:)([^\s:/@\"'<>]{1,256})(?=@(?:tcp|unix|udp)\()"
)
_BARE = re.compile(
    r"(?<![\w/:.@%+-])((?!mailto:|sip:|sips:|acct:|urn:)[A-Za-z_][\w.+-]{0,63}:)"
    r"([^\s:/\"'<>]{3,256})"
    r"(?=@(?!sha\d)[A-Za-z0-9][\w.-]{0,253}(?::\d{2,5}\b|/))"
)
_ORACLE = re.compile(r"(\bthin:[\w.-]{1,64}/)([^\s@\"'<>]{1,256})(?=@)")
_END = re.compile(r"[/?#]")
_PORT = re.compile(r"\d{0,5}")
_NO_PASSWORD = ("", "x-oauth-basic", "x-token-auth", "oauth2", "git")
_TOKEN_AS_USER = re.compile(r"(?=[^\d]*\d)(?=.*[A-Za-z])[\w.~%-]{20,}", re.DOTALL)


def replace_in_urls(text: str, redacted: str) -> str:
    """Return the text with the passwords of its URLs replaced, and no brackets in their hosts.

    Args:
        text: any text.
        redacted: the replacement of a secret that was found before.
    """
    if "//" in text or "/\\" in text:
        text = _URL.sub(lambda found: found[1] + _safe(found[2], redacted), text)
        text = _RELATIVE.sub(rf"\1{IN_URL}", text)
        if text.startswith("//"):
            text = "//" + _safe(text[2:], redacted)
    if "%2" in text:
        text = _ENCODED.sub(rf"\1{IN_URL}", text)
    if "@" in text:
        text = _DSN.sub(rf"\1{IN_URL}", text)
        text = _ORACLE.sub(rf"\1{IN_URL}", text)
        text = _BARE.sub(rf"\1{IN_URL}", text)
    return text


def has_password(value: str) -> bool:
    """Tell whether a value contains a URL with a password."""
    return any(_safe(found[2], "") != found[2] for found in _URL.finditer(value))


def _safe(rest: str, redacted: str) -> str:
    """Replace the passwords after `://`, also in a URL in the query of a URL."""
    return "://".join(_without_password(each, redacted) for each in rest.split("://"))


def _without_password(rest: str, redacted: str) -> str:
    end = _END.search(rest)
    authority = rest[: end.start()] if end else rest
    user, colon, password = authority.partition(":")
    if "@" in authority:
        information, _, host = authority.rpartition("@")
        user, colon, password = information.partition(":")
        if colon and password not in _NO_PASSWORD:
            user = f"{user}:{IN_URL}"
        elif _TOKEN_AS_USER.fullmatch(user):
            user = IN_URL + colon + password
        else:
            user = information
        authority = f"{user}@{host}"
    elif colon and not user.startswith("[") and not _PORT.fullmatch(password) and "@" in rest:
        # The password contains a slash or the like, which no URL parser accepts.
        return f"{user}:{IN_URL}{rest[rest.rindex('@') :]}"
    if redacted and redacted in authority:
        authority = authority.replace(redacted, IN_HOST)
    return authority + (rest[end.start() :] if end else "")
