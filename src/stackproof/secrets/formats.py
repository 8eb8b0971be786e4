"""Secrets by format, in any context: private keys, tokens of known services, password hashes."""

import re
from base64 import b64decode
from collections.abc import Callable

Mark = Callable[[str], str]
"""A function that returns the replacement of a secret."""

# A token does not start after a letter or digit, except after an escaped line feed or `%3D`.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
_TOKEN = re.compile(
    _START + r"(?:"
    r"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"
    r"|gh[opsur]_\w{20,}|github_pat_\w{20,}"
    r"|gl(?:pat|dt|ft|soat|rt|rtr|cbt|imt|ptt|agent|oas|ffct|wt)-[\w.-]{20,}|GR1348941[\w-]{20,}"
    r"|xox[a-z](?:\.xox[a-z])?-[\w-]{10,}|xapp-[\w-]{10,}|xwfp-[\w-]{10,}"
    r"|sk-[\w-]{20,}|[rs]k_(?:live|test|prod)_\w{10,}|whsec_[\w+/=-]{16,}"
    r"|(?:(?<![\w-])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){0,3}"
    r"|AIza[\w-]{20,}|ya29\.[\w.-]{20,}|GOCSPX-[\w-]{20,}|1//0[\w-]{20,}"
    r"|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{16,}|rubygems_[0-9a-f]{32,}|dckr_(?:pat|oat)_[\w-]{20,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|(?:AC|SK)[0-9a-f]{32}(?!\w)|key-[0-9a-z]{32}(?!\w)"
    r"|[0-9a-f]{32}-us\d{1,2}(?!\w)|sq0[a-z]{3}-[\w-]{20,}|do[opr]_v1_[0-9a-f]{32,}"
    r"|hf_[A-Za-z0-9]{20,}|r8_\w{20,}|gsk_\w{20,}|xai-\w{20,}|pplx-\w{20,}|tvly-[\w-]{20,}"
    r"|dapi[0-9a-f]{32}|shp(?:at|ca|pa|ss|tka|ua)_[0-9A-Fa-f]{32}|hv[sbr]\.[\w-]{20,}"
    r"|\w{14}\.atlasv1\.[\w-]{40,}|lin_(?:api|oauth)_\w{20,}|ntn_\w{20,}|secret_[A-Za-z0-9]{40,}"
    r"|dp\.(?:pt|st|sa|ct|scim|audit)\.[\w.-]{20,}|sb(?:p|_secret)_[\w-]{20,}|fm[12]_[\w+/=-]{20,}"
    r"|pscale_\w{2,6}_[\w.-]{20,}|NR(?:AK|II|JS|BR)-[\w-]{20,}|gl(?:c|sa)_[\w+/=-]{20,}"
    r"|dt0[a-z]\d\d\.\w{20,}(?:\.\w{20,})?|PMAK-[\w-]{20,}|AT(?:ATT|BB|CTT)[\w=-]{20,}"
    r"|sntry[su]_[\w+/=-]{20,}|HRKU-[\w-]{20,}|pul-[0-9a-f]{32,}|CCI(?:PAT|PRJ)_\w{20,}"
    r"|tskey-[\w-]{10,}|sha256~[\w-]{30,}|figd_[\w-]{20,}|EAAC[A-Za-z0-9]{20,}"
    r"|AGE-SECRET-KEY-1[0-9A-Z]{20,}|[\w~.]{3}8Q~[\w~.-]{30,}"
    r"|[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}|\d{8,10}:[\w-]{35}(?![\w-])"
    r"|(?:AKC|AP[0-9A-F])(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[a-z])[A-Za-z0-9]{8,}(?![\w-])"
    r")"
)
_HASH = re.compile(
    r"\$(?:2[abxy]?|y|7|gy)\$[^\s\"'$,;]{1,40}\$?[./A-Za-z0-9$]{8,}"
    r"|\$argon2(?:id|i|d)\$[^\s\"'<>]{8,}|\$scrypt\$[^\s\"'<>]{8,}"
    r"|\$(?:[156]|apr1|sha1|pbkdf2[\w-]*)\$(?:rounds=\d+\$)?[^\s\"'$]{0,24}\$[./A-Za-z0-9+=$]{16,}"
    r"|SCRAM-SHA-(?:1|256)\$\d+:[^\s\"'<>]{8,}"
    r"|(?<!\w)pbkdf2[_:]sha\d+[$:][^\s\"'<>]{8,}|(?<!\w)scrypt:\d+:\d+:\d+\$[^\s\"'<>]{8,}"
    r"|" + _START + r"md5[0-9a-f]{32}(?!\w)|\{S?(?:SHA|MD5)\d*\}[A-Za-z0-9+/=]{16,}"
    r"|(?<!\w)\*[0-9A-F]{40}(?!\w)"
)
_HOOK = re.compile(
    r"((?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)"
    r"|discord(?:app)?\.com/api/(?:v\d+/)?webhooks|webhook\.office\.com|outlook\.office\.com/webhook"
    r"|hooks\.zapier\.com/hooks/catch|maker\.ifttt\.com/trigger/[^\s/\"'<>]{1,64}/with/key"
    r"|hc-ping\.com)/|api\.telegram\.org/(?:file/)?bot)([^\s\"'<>?\\]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(
    r"(?<![\w-])((?:bearer|negotiate|ntlm|aws4-hmac-sha256)(?:[ ]+|%20|\+))([\w.~+/=%-]+)",
    re.IGNORECASE,
)
_STANDARD = str.maketrans("-_", "+/")
_BASIC = re.compile(r"(?<![\w-])(basic(?:[ ]+|%20|\+))([A-Za-z0-9+/_-]{4,}={0,2})", re.IGNORECASE)
_WORDY = re.compile(r"[A-Za-z]?[a-z]*[.,:]?|[A-Z]+|[a-z]+(?:[-_][a-z]+)*|(?:realm|error|scope)=.*")

_PRIVATE_KEY = re.compile(
    r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
    r"([\s\S]*?)(?:-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|\Z)"
)
_KEY_END = re.compile(r"-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_PUTTY = re.compile(r"(Private-Lines: ?\d+)\s+((?:[A-Za-z0-9+/=]{1,80}+(?!-)\s*)++)")
# Whole lines of base64 as wide as those of keys, such as the rest of a key without its start.
_WIDE, _NARROW = r"[A-Za-z0-9+/]{60,76}", r"[A-Za-z0-9+/]{1,76}={0,2}"
_PREFIX = r"(?:[^\s|]{1,60}[ ]*\|[ ]?|[ \t]{0,40})"
_BLOCK = re.compile(rf"(?m)(?:^{_PREFIX}{_WIDE}\r?\n){{2,}}+(?:{_PREFIX}{_NARROW}(?=\r?$))?")
_KEY_LINE = re.compile(rf"{_PREFIX}{_NARROW}\s*|(?:Proc-Type|DEK-Info|Comment): .*")
_LINE_BREAK = re.compile(r"(\r?\n|(?:\\+r)?\\+n)")
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_FULL_LINE = 40
_LABEL_LENGTH = 80
_MIXED = re.compile(r"(?=.*[a-z])(?=.*[A-Z])", re.DOTALL)
_LABEL = re.compile(r"-----(?:BEGIN|END) [A-Z0-9 ]{1,60}-----")


def token_kind(value: str) -> str | None:
    """Return the kind of secret that a value contains by its format; None if it contains none."""
    if _PRIVATE_KEY.search(value):
        return "a private key"
    if found := _TOKEN.search(value):
        return "a JSON web token" if found[0].startswith("eyJ") else "a token of a known service"
    return "a token of a known service" if _HOOK.search(value) else None


def replace_by_format(text: str, mark: Mark) -> str:
    """Return the text with every secret replaced that its format identifies."""
    text = _replace_private_keys(text, mark)
    text = _TOKEN.sub(lambda found: mark(found[0]), text)
    if "$" in text or "md5" in text or "{" in text or "*" in text:
        text = _HASH.sub(lambda found: mark(found[0]), text)
    lower = text.lower()
    if ".com/" in lower or ".org/" in lower:
        text = _HOOK.sub(lambda found: found[1] + mark(found[2]), text)
    if "bearer" in lower or "ntlm" in lower or "negotiate" in lower or "aws4" in lower:
        text = _BEARER.sub(lambda found: _scheme(found, mark, _is_wordy), text)
    if "basic" in lower:
        text = _BASIC.sub(lambda found: _scheme(found, mark, _is_not_basic), text)
    return text


def _scheme(found: re.Match[str], mark: Mark, is_harmless: Callable[[str], bool]) -> str:
    return found[0] if is_harmless(found[2]) else found[1] + mark(found[2])


def _is_wordy(value: str) -> bool:
    return _WORDY.fullmatch(value) is not None


def _is_not_basic(value: str) -> bool:
    value = value.translate(_STANDARD).rstrip("=")
    try:
        plain = b64decode(value + "=" * (-len(value) % 4)).decode()
    except ValueError:
        return True
    return ":" not in plain or not plain.isprintable()


def _replace_private_keys(text: str, mark: Mark) -> str:
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(lambda found: mark(found[0]), text)
        parts, at = [], 0
        for end in _KEY_END.finditer(text):
            parts += [_before_key(text[at : end.start()]), mark(end[0])]
            at = end.end()
        text = "".join([*parts, text[at:]])
    if "Private-Lines" in text:
        text = _PUTTY.sub(lambda found: f"{found[1]}\n{mark(found[2])}\n", text)
    return _BLOCK.sub(lambda found: _without_key(found, mark), text)


def _before_key(text: str) -> str:
    """Return the text before the lines of a private key at its end."""
    pieces = _LINE_BREAK.split(text)  # by turns lines and what is between them
    last = len(pieces) - 1
    while last >= 0 and not pieces[last].strip():
        last -= 2
    # The last line of a key can be short; all others are full.
    shortest = 1
    while last >= 0 and len(pieces[last]) >= shortest and _KEY_LINE.fullmatch(pieces[last]):
        last -= 2
        shortest = _FULL_LINE
    if shortest == 1 and last >= 0:
        glued = pieces[last].rstrip(_BASE64)
        pieces[last] = glued if len(pieces[last]) - len(glued) >= _FULL_LINE else pieces[last]
    return "".join(pieces[: max(0, last + 2)])


def _without_key(found: re.Match[str], mark: Mark) -> str:
    before = found.string[max(0, found.start() - _LABEL_LENGTH) : found.start()].rstrip()
    after = found.string[found.end() : found.end() + _LABEL_LENGTH].lstrip()
    # Labelled private keys were replaced before: the rest are certificates and public keys.
    if before.endswith("-----") or _LABEL.match(after) or not _MIXED.match(found[0]):
        return found[0]
    return mark(found[0]) + ("\n" if found[0].endswith("\n") else "")
