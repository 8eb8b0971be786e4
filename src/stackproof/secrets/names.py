"""Names of secrets: of variables, keys, headers, parameters, options and elements."""

import re
from functools import lru_cache
from urllib.parse import unquote

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")

# Secrets whatever precedes the word, even without a separator: `PGPASSWORD`.
_STRONG = re.compile(
    r"(?:pass_?(?:word|wd|wrd|phrase|code|key)|secret|token|credential|api_?key"
    r"|web_?hook(?:_url)?|connection_string|ps(?:w|wd)|jwt)s?(?=_|\d|$)"
)
_KEY_OF = (
    r"(?:access|account|admin|aes|app|application|auth|client|connection|cookie|crypto?|database|db"
    r"|deploy|encrypt|encryption|functions?|hmac|jwt|licen[sc]e|master|pre_?shared|priv|private"
    r"|root|rsa|secret|service|service_role|session|shared|shared_access|sign|signature|signing"
    r"|ssh|storage|subscription|symmetric)"
)
_ENDS = re.compile(
    rf"(?:(?:^|_){_KEY_OF}_?keys?(?:_base)?"
    r"|(?:^|_)(?:php|j|asp)?_?sess(?:ion)?_?id|(?:^|_)sid|(?:c|x)srf"
    r"|(?:^|_)(?:cookies?|authorization|psk|t?otp|(?:mfa|otp|verification)_code|bearer|mnemonic)"
    r"|(?:^|_)amz_(?:signature|credential)|(?:^|_)goog_(?:signature|credential)"
    r"|(?<!by)(?<!com)(?<!tres)(?<!sur)pass|pwd|(?:[a-z]|_|^)pw"
    r"|master_?auth|secret_id)(?:_?\d+|_(?:old|new|prev|previous|current|next|prod|value))?$"
)
# Secrets in a query, in `name=value` or as a quoted key; in a sentence they are just words.
_WEAK = re.compile(
    r"(?:^|_)(?:auth|sig|signature|session|sess|pin|hmac|nonce|assertion|saml_?(?:response|request))$"
)
_IN_QUERY = re.compile(r"(?:^|_)(?:key|code|ticket|hash)$")

_PERCENT_CODE = re.compile(
    r"(?:25){0,3}(2[0-9A-F]|3[A-F]|[57][B-D]|0[9AD])(?=[\w.$-])", re.IGNORECASE
)
"""A percent-encoded character without its first percent sign."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words after the name: the value is about a secret (whether, how, where, how long), not a secret.
_ABOUT = _set(
    """
    age alg algorithm algorithms allowed arn at attempts auth backend bucket budget change changed
    class cmd column command configured count counts created dir directory disable disabled driver
    enable enabled encryption endpoint endpoints engine error errors exists exp expiration expire
    expired expires expiry field fields file files folder format handler header headers helper hint
    hints history id ids in invalid issuer jar kind label labels len length lifetime limit limits
    location manager max method methods min mode mount mounts name names needed only optional path
    paths per placeholder policies policy prefix present program prompt provider providers rate ref
    refs required reset retries reuse rotation rule rules selector service services size sock source
    state status stdin store strength suffix supported target targets timeout ttl type types updated
    uri url urls usage used valid validation validator validators variable variables version
    """
)
_WHETHER = _set(
    """
    allow allows disable disables empty enable enables has have hide is no public publishable random
    require required requires show use uses
    """
)
_HOW_MANY = _set("completion count input max min num number output prompt total")
_NOT_ONE = re.compile(
    r"(?:^|_)(?:public_key|publickey|gpg_key|primary_key|foreign_key|cache_key"
    r"|(?:proxy|fastcgi|uwsgi|grpc|scgi|memcached)_pass|old_?pwd|nopass(?:wd)?|askpass)$"
)


@lru_cache(4096)
def is_secret_name(name: str, *, assigned: bool = False, in_query: bool = False) -> bool:
    """Tell whether a value with this name is a secret.

    Args:
        name: of a variable, key, header, parameter, option, field, element or attribute.
        assigned: whether it is a quoted key or before `=`, so that it is not a word of a
            sentence.
        in_query: whether it is a parameter of a URL or of a form.
    """
    words = _words(name)
    joined = "_".join(words)
    if not joined or _NOT_ONE.search(joined):
        return False
    if found := _STRONG.search(joined):
        rest = [word for word in joined[found.end() :].split("_") if word]
        if joined[found.start() : found.end()].startswith("secret") and rest[:1] == ["id"]:
            return True
        harmless = _WHETHER | _HOW_MANY if "token" in found[0] else _WHETHER
        return not _ABOUT.intersection(rest) and not harmless.intersection(words[:3])
    if _ENDS.search(joined):
        return True
    if (assigned or in_query) and _WEAK.search(joined):
        return True
    return in_query and _IN_QUERY.search(joined) is not None


def is_secret_variable(name: str) -> bool:
    """Tell whether an environment variable with this name is a secret."""
    # The current and the previous directory of a shell.
    return name not in ("PWD", "OLDPWD") and is_secret_name(name)


def decoded_name(name: str, before: str) -> tuple[str, str]:
    """Return a name and the character before it, decoded if they are percent-encoded.

    Args:
        name: starts with the digits of the character before it if that is encoded: `3Fkey`.
        before: the character before the name.
    """
    if before == "%" and (code := _PERCENT_CODE.match(name)):
        name, before = name[code.end() :], chr(int(code[1], 16))
    return unquote(name), before


@lru_cache(4096)
def is_key_variable(name: str) -> bool:
    """Tell whether an environment variable with this name may contain a key."""
    words = _words(name)
    return words[-1:] in (["key"], ["keys"]) and not {"public", "publishable"}.intersection(words)


def _words(name: str) -> list[str]:
    return [word for word in _NOT_ALPHANUMERIC.split(_CAMEL.sub("_", name).lower()) if word]
