"""Each format of a secret that is recognized without its name."""

from base64 import b64encode

import pytest

from stackproof.secrets import redact
from stackproof.secrets.formats import replace_by_format

D, H, L, W = "0123456789" * 8, "0123456789abcdef" * 5, "aB3dE6gH9j" * 8, "Zx9_Yw8-Vu" * 8
"""Digits, hexadecimal digits, letters, and words."""

TOKENS = {
    "AWS": [f"{start}{'A1B2C3D4E5F6G7H8'}" for start in ("A3TX", "ABIA", "ACCA", "AKIA", "ASIA")],
    "GitHub": [*(f"gh{each}_{L[:20]}" for each in "opsur"), f"github_pat_{L[:20]}"],
    "GitLab": [
        *(f"gl{each}-{L[:20]}" for each in ("pat", "dt", "ft", "soat", "rt", "rtr", "cbt", "imt")),
        *(f"gl{each}-{L[:20]}" for each in ("ptt", "agent", "oas", "ffct", "wt")),
        f"GR1348941{L[:20]}",
    ],
    "Slack": [f"xoxb-{L[:10]}", f"xoxe.xoxp-{L[:10]}", f"xapp-{L[:10]}", f"xwfp-{L[:10]}"],
    "sk-": [f"sk-{L[:20]}"],
    "Stripe": [
        *(f"{kind}k_{mode}_{L[:10]}" for kind in "rs" for mode in ("live", "test", "prod")),
        f"whsec_{L[:16]}",
    ],
    "JWT": [f"eyJ{L[:5]}.{L[:5]}", f"eyJ{L[:5]}.{L[:5]}.{L[:5]}", f"eyJ{L[:5]}.{L[:5]}..{L[:5]}.x"],
    "Google": [f"AIza{L[:20]}", f"ya29.{L[:20]}", f"GOCSPX-{L[:20]}", f"1//0{L[:20]}"],
    "packages": [
        f"npm_{L[:20]}", f"pypi-{L[:16]}", f"rubygems_{H[:32]}", f"dckr_pat_{L[:20]}",
        f"dckr_oat_{L[:20]}",
    ],
    "mail": [f"SG.{L[:16]}.{L[:16]}", f"key-{H[:32]}", f"{H[:32]}-us1", f"{H[:32]}-us12"],
    "Twilio": [f"AC{H[:32]}", f"SK{H[:32]}"],
    "Square": [f"sq0csp-{L[:20]}"],
    "DigitalOcean": [f"do{each}_v1_{H[:32]}" for each in "opr"],
    "models": [
        f"hf_{L[:20]}", f"r8_{L[:20]}", f"gsk_{L[:20]}", f"xai-{L[:20]}", f"pplx-{L[:20]}",
        f"tvly-{L[:20]}",
    ],
    "Databricks": [f"dapi{H[:32]}"],
    "Shopify": [f"shp{each}_{H[:32]}" for each in ("at", "ca", "pa", "ss", "tka", "ua")],
    "HashiCorp": [*(f"hv{each}.{L[:20]}" for each in "sbr"), f"{L[:14]}.atlasv1.{L[:40]}"],
    "Linear": [f"lin_api_{L[:20]}", f"lin_oauth_{L[:20]}"],
    "Notion": [f"ntn_{L[:20]}", f"secret_{L[:40]}"],
    "Doppler": [f"dp.{each}.{L[:20]}" for each in ("pt", "st", "sa", "ct", "scim", "audit")],
    "Supabase": [f"sbp_{L[:20]}", f"sb_secret_{L[:20]}"],
    "Fly": [f"fm1_{L[:20]}", f"fm2_{L[:20]}"],
    "PlanetScale": [f"pscale_pw_{L[:20]}"],
    "New Relic": [f"NR{each}-{L[:20]}" for each in ("AK", "II", "JS", "BR")],
    "Grafana": [f"glc_{L[:20]}", f"glsa_{L[:20]}"],
    "Dynatrace": [f"dt0c01.{L[:20]}", f"dt0c01.{L[:20]}.{L[:20]}"],
    "Postman": [f"PMAK-{L[:20]}"],
    "Atlassian": [f"AT{each}{L[:20]}" for each in ("ATT", "BB", "CTT")],
    "Sentry": [f"sntrys_{L[:20]}", f"sntryu_{L[:20]}"],
    "Heroku": [f"HRKU-{L[:20]}"],
    "Pulumi": [f"pul-{H[:32]}"],
    "CircleCI": [f"CCIPAT_{L[:20]}", f"CCIPRJ_{L[:20]}"],
    "Tailscale": [f"tskey-{L[:10]}"],
    "OpenShift": [f"sha256~{L[:30]}"],
    "Figma": [f"figd_{L[:20]}"],
    "Facebook": [f"EAAC{L[:20]}"],
    "age": [f"AGE-SECRET-KEY-1{'A1B2C3D4E5F6G7H8' * 2}"],
    "Azure": [f"{L[:3]}8Q~{L[:30]}"],
    "Discord": [f"{each}{L[:23]}.{L[:6]}.{L[:27]}" for each in "MNO"],
    "Telegram": [f"{D[:8]}:{W[:35]}", f"{D[:10]}:{W[:35]}"],
    "Artifactory": [f"AKC{L[:8]}", *(f"AP{each}{L[:8]}" for each in "0F")],
}  # fmt: skip
"""The shortest tokens of each service."""

HASHES = [
    *(f"${each}$10${L[:8]}" for each in ("2a", "2b", "2x", "2y", "2", "y", "7", "gy")),
    *(f"$argon2{each}$v=19$m=65536$c29t" for each in ("id", "i", "d")),
    f"$scrypt$ln=16$r=8${L[:8]}",
    *(
        f"${each}$saltsalt${L[:16]}"
        for each in ("1", "5", "6", "apr1", "sha1", "pbkdf2", "pbkdf2-sha256")
    ),
    f"$6$rounds=5000$salt${L[:16]}",
    f"SCRAM-SHA-256$4096:{L[:8]}",
    f"SCRAM-SHA-1$4096:{L[:8]}",
    f"pbkdf2_sha256${L[:8]}",
    f"pbkdf2:sha256:600000$salt${H[:32]}",
    f"scrypt:32768:8:1${L[:8]}",
    f"md5{H[:32]}",
    *(f"{{{each}}}{L[:16]}" for each in ("SHA", "SSHA", "MD5", "SMD5", "SHA256", "SSHA512")),
    f"*{H[:40].upper()}",
]
HOOKS = [
    f"https://{each}"
    for each in (
        "hooks.slack.com/services/§", "hooks.slack-gov.com/services/§",
        "hooks.slack.com/workflows/§", "hooks.slack.com/triggers/§", "discord.com/api/webhooks/§",
        "discordapp.com/api/v10/webhooks/§", "webhook.office.com/§", "outlook.office.com/webhook/§",
        "hooks.zapier.com/hooks/catch/§", "maker.ifttt.com/trigger/door/with/key/§",
        "hc-ping.com/§",
        "api.telegram.org/bot§", "api.telegram.org/file/bot§",
    )
]  # fmt: skip


@pytest.mark.parametrize("token", [token for tokens in TOKENS.values() for token in tokens])
def test_token(token: str) -> None:
    assert redact(f"it sent {token} here") == "it sent [redacted] here"


@pytest.mark.parametrize("value", HASHES)
def test_hash(value: str) -> None:
    assert redact(f"it stores {value} here") == "it stores [redacted] here"


@pytest.mark.parametrize("url", HOOKS)
def test_hook(url: str) -> None:
    assert redact(url.replace("§", "T0/B0xyz")) == url.replace("§", "[redacted]")


@pytest.mark.parametrize("scheme", ["Bearer", "NTLM", "Negotiate", "AWS4-HMAC-SHA256", "bearer"])
def test_credentials_after_their_scheme(scheme: str) -> None:
    assert redact(f"sent {scheme} Ab1Cd2 to it") == f"sent {scheme} [redacted] to it"
    assert redact(f"sent {scheme} of it") == f"sent {scheme} of it"


def test_basic_credentials() -> None:
    assert redact("sent basic dXNlcjpwYXNz to it") == "sent basic [redacted] to it"
    assert redact("sent basic dXNlcnBhc3M= to it") == "sent basic dXNlcnBhc3M= to it"


@pytest.mark.parametrize("plain", ["user:passwo", "user:passwor", "user:password"])
def test_basic_credentials_of_any_length(plain: str) -> None:
    encoded = b64encode(plain.encode()).decode()
    for value in (encoded, encoded.rstrip("=")):
        redacted = redact(f"sent basic {value} to it")
        assert redacted.startswith("sent basic [redacted]")
        assert value not in redacted


def test_putty_key() -> None:
    text = "Private-Lines: 1\nAAAAgQ==\nPrivate-MAC: 00ff"
    assert redact(text) == "Private-Lines: 1\n[redacted]\nPrivate-MAC: 00ff"


def test_text_before_the_rest_of_a_private_key_is_kept() -> None:
    line = "it read this file, which is the second part of a key:"
    key = f"{'aB3d' * 16}\nAbc=\n-----END RSA PRIVATE KEY-----"
    assert redact(f"first\n{line}\n{key}\nz") == f"first\n{line}\n[redacted]\nz"


END = "\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        # All lines of a key but its last one are full.
        (f"{'a' * 39}\n{'bB3d' * 10}\nAbc=", f"{'a' * 39}\n"),
        (f"{'a' * 40}\n{'bB3d' * 10}\nAbc=", ""),
        (f"{'a' * 40}\n\n{'bB3d' * 10}\nAbc=", f"{'a' * 40}\n\n"),
        ("one two\nA", "one two\n"),
        ("one two\n=", "one two\n="),
        # The beginning of a key without a line of its own.
        (f"the key: {'aB3d' * 10}", "the key: "),
        (f"the key: {'a' * 39}", f"the key: {'a' * 39}"),
        (f"first\nthe key: {'aB3d' * 10}", "first\nthe key: "),
        ("", ""),
    ],
)
def test_text_before_the_end_of_a_private_key(before: str, kept: str) -> None:
    assert redact(before + END).replace("[redacted]", "") in (kept, kept + "\n")


@pytest.mark.parametrize("text", ["password:\n  none of it", "password:\n  null, as before"])
def test_next_line_that_begins_with_a_word_that_is_no_secret(text: str) -> None:
    assert redact(text) == text
    assert redact(text.replace("none", "hunter2Xq9").replace("null", "hunter2Xq9")) != text
    assert "hunter2Xq9" not in redact(text.replace("none", "hunter2Xq9"))


KEY = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("before", "secret", "after"),
    [
        ("a ", KEY, " b"), ("a ", f"ghp_{'a1B2' * 9}", " b"), ("a ", f"$1$salt${'a' * 22}", " b"),
        ("https://hooks.zapier.com/hooks/catch/", "1234/abcd", " b"), ("bearer ", "aB3.d-e", " b"),
        ("basic ", "Ym9iOnNlY3JldA==", " b"),
        ("Private-Lines: 1\n", "AAAAgQ==", "\nPrivate-MAC: 00"),
    ],
    ids=["key", "token", "hash", "hook", "bearer", "basic", "putty"],
)  # fmt: skip
def test_what_is_replaced_is_the_whole_secret(before: str, secret: str, after: str) -> None:
    marked: list[str] = []

    def mark(value: str) -> str:
        marked.append(value)
        return "§"

    assert replace_by_format(f"{before}{secret}{after}", mark).startswith(f"{before}§")
    assert [each.strip() for each in marked] == [secret]
