"""Values that are not secrets, whatever their names: switches, numbers, addresses, placeholders."""

import re
from ipaddress import ip_address

# Switches, small numbers, states, and words that continue a sentence.
_WORDS = """
    true false yes no on off none null nil undefined nan ok up down set unset empty n/a na
    healthy unhealthy degraded starting running restarting paused exited dead ready pass passed
    fail failed failure errors error success enabled disabled required optional needed present
    absent missing invalid valid expired expires unknown unexpected expected observed incorrect
    wrong denied rejected revoked refused changed updated created loaded mounted unmounted not
    is was are has have had must should cannot can could will would does did do too the an a at
    in of for from to by with without and or it its if this that your our string number boolean
    object bytes text str int bearer basic digest negotiate authentication await malformed
    mismatch signature verification default hidden masked filtered removed redacted owned owner
"""
_HARMLESS = frozenset(_WORDS.split())
_MOST_DIGITS = 4
"""Of a number that is not a secret."""
# Placeholders of templates, and redactions by other software.
PLACEHOLDER = re.compile(
    r"\*+|[xX]{3,}|\.{3,}|…|\?|-+|<[A-Za-z][A-Za-z_ .-]{0,40}>|\{\{? ?[\w.$-]{0,40} ?\}?\}"
    r"|\$\{\w+\}|\$\{\{[^{}\n]{0,80}\}\}|\$\([^()\n]{0,200}\)|\$[A-Z_][A-Z0-9_]*"
    r"|%\(?\w{0,40}\)?[sdr]|\[(?:hidden|filtered|removed|masked)\]"
    r"|SecretStr\('\*+'\)|count=\d{1,20}"
)
_ELSEWHERE = re.compile(
    r"(?:~|\.{1,2})?(?:/(?:Users|\.?[a-z0-9][a-z0-9._-]{0,63})){1,16}/?"
    r"|sha(?:1|256|512):[0-9a-f]{40,128}"
)
_LIKE_AN_ADDRESS = re.compile(r"(?=.*[.:])[0-9a-fA-F.:]{2,45}")
MARKED = re.compile(r"\[redacted\]|REDACTED(?:-\d+)?|\*{3}")


def is_harmless(value: str) -> bool:
    """Tell whether a value is not a secret, whatever its name."""
    value = value.strip()
    if not value or value.lower() in _HARMLESS:
        return True
    if value.isdecimal() and len(value) <= _MOST_DIGITS:
        return True
    if _is_address(value):
        return True
    return any(pattern.fullmatch(value) for pattern in (PLACEHOLDER, _ELSEWHERE, MARKED))


def _is_address(value: str) -> bool:
    # `/etc/hosts` and extra_hosts map names such as `auth` to addresses.
    if value == "host-gateway":
        return True
    try:
        return bool(_LIKE_AN_ADDRESS.fullmatch(value) and ip_address(value))
    except ValueError:
        return False
