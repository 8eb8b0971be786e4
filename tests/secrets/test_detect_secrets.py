"""Every secret that detect-secrets finds is redacted, and so are those of other services."""

import string
from collections.abc import Iterator
from random import Random

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings

from stackproof.secrets import redact

_RANDOM = Random(11)  # noqa: S311 - reproducible samples
_LETTERS = string.ascii_letters + string.digits
_LOWER = string.ascii_lowercase + string.digits
_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + string.digits


def _any(letters: str, length: int) -> str:
    return "".join(_RANDOM.choices(letters, k=length))


RULES = {
    "Artifactory Credentials": f"AKC{_any(_LETTERS, 20)}1a",
    "AWS Access Key": f"AKIA{_any(_UPPER, 16)}",
    "Azure Storage Account access key": f"AccountKey={_any(_LETTERS, 86)}==",
    "Basic Auth Credentials": f"https://bob:{_any(_LETTERS, 12)}@h.example",
    "Cloudant Credentials": f"cloudant_password='{_any(_HEX, 64)}'",
    "Discord Bot Token": f"M{_any(_LETTERS, 23)}.{_any(_LETTERS, 6)}.{_any(_LETTERS, 27)}",
    "GitHub Token": f"ghp_{_any(_LETTERS, 36)}",
    "GitLab Token": f"glpat-{_any(_LETTERS, 20)}",
    "IBM Cloud IAM Key": f"ibm_cloud_api_key='{_any(_LETTERS, 44)}'",
    "IBM COS HMAC Credentials": f"cos_hmac_secret_access_key='{_any(_HEX, 48)}'",
    "JSON Web Token": (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
    ),
    "Mailchimp Access Key": f"{_any(_HEX, 32)}-us12",
    "NPM tokens": f"//registry.npmjs.org/:_authToken=npm_{_any(_LETTERS, 36)}",
    "OpenAI Token": f"sk-{_any(_LETTERS, 20)}T3BlbkFJ{_any(_LETTERS, 20)}",
    "Private Key": f"-----BEGIN RSA PRIVATE KEY-----\nMII{_any(_LETTERS, 61)}\n",
    "PyPI Token": f"pypi-AgEIcHlwaS5vcmc{_any(_LETTERS, 80)}",
    "Secret Keyword": f"db_password = '{_any(_LETTERS, 12)}'",
    "SendGrid API Key": f"SG.{_any(_LETTERS, 22)}.{_any(_LETTERS, 43)}",
    "Slack Token": f"xoxb-{_any(string.digits, 12)}-{_any(_LETTERS, 24)}",
    "SoftLayer Credentials": f"softlayer_api_key='{_any(_HEX, 64)}'",
    "Square OAuth Secret": f"sq0csp-{_any(_LETTERS, 43)}",
    "Stripe Access Key": f"sk_live_{_any(_LETTERS, 24)}",
    "Telegram Bot Token": f"{_any('123456789', 10)}:{_any(_LETTERS, 35)}",
    "Twilio API Key": f"SK{_any(_HEX, 32)}",
}
"""A sample for each rule of detect-secrets."""
FALSE_POSITIVES = {"Base64 High Entropy String", "Hex High Entropy String", "Public IP (ipv4)"}
"""Rules that match image ids, digests and addresses."""
OTHERS = {
    "age": f"AGE-SECRET-KEY-1{_any(_UPPER, 58)}",
    "Anthropic": f"sk-ant-api03-{_any(_LETTERS, 80)}-AA",
    "Argon2": "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
    "Azure client secret": f"{_any(_LETTERS, 3)}8Q~{_any(_LETTERS, 34)}",
    "bcrypt": "$2b$12$KIXQh0w8x1m9p7yT5c0yIeJ8iN0H0X3wq0mD7k9n3b1v5y7z9A2C4",
    "Databricks": f"dapi{_any(_HEX, 32)}",
    "DigitalOcean": f"dop_v1_{_any(_HEX, 64)}",
    "Docker Hub": f"dckr_pat_{_any(_LETTERS, 27)}",
    "GitHub fine-grained": f"github_pat_{_any(_LETTERS, 22)}_{_any(_LETTERS, 59)}",
    "Google": f"AIza{_any(_LETTERS, 35)}",
    "Google OAuth": f"GOCSPX-{_any(_LETTERS, 28)}",
    "Grafana": f"glsa_{_any(_LETTERS, 32)}_{_any(_HEX, 8)}",
    "Hugging Face": f"hf_{_any(_LETTERS, 34)}",
    "Linear": f"lin_api_{_any(_LETTERS, 40)}",
    "npm": f"npm_{_any(_LETTERS, 36)}",
    "MD5 of PostgreSQL": f"md5{_any(_HEX, 32)}",
    "SCRAM": "SCRAM-SHA-256$4096:c2FsdHNhbHQ=$c3RvcmVka2V5c3RvcmVk:c2VydmVya2V5",
    "SHA-512 crypt": "$6$rounds=5000$saltsalt$" + "abcdefghijklmnopqrstuvwxyz./ABCDEFGH" * 2,
    "Shopify": f"shpat_{_any(_HEX, 32)}",
    "Slack app": f"xapp-1-A{_any(_UPPER, 10)}-{_any(string.digits, 12)}-{_any(_HEX, 40)}",
    "Stripe webhook": f"whsec_{_any(_LETTERS, 32)}",
    "Supabase": f"sbp_{_any(_HEX, 40)}",
    "Tailscale": f"tskey-auth-{_any(_LETTERS, 12)}-{_any(_LETTERS, 32)}",
    "Vault": f"hvs.{_any(_LETTERS, 24)}",
}
"""Secrets with a known format for which detect-secrets has no rule."""
SYNTAXES = {
    "alone": "{}",
    "sentence": "it sent {} and waited",
    "variable": "THING={}",
    "quoted": "thing = '{}'",
    "JSON": '{{"thing": "{}"}}',
    "JSON in JSON": '{{"log": "{{\\"thing\\": \\"{}\\"}}"}}',
    "escaped line feed": '"log": "first\\n{}\\nlast"',
    "YAML": "a:\n  thing: {}\n  b: 1",
    "URL": "https://h.example/a?thing={}&b=1",
    "path": "https://h.example/a/{}/b",
    "encoded": "next=%2Fa%3Fthing%3D{}%26b%3D1",
    "XML": "<thing>{}</thing>",
    "repr": "Thing(value='{}', b=1)",
    "logfmt": "level=info thing={} b=1",
    "command": "tool --thing {} -v",
    "list": '["tool","--thing","{}"]',
}


def test_every_rule_has_a_sample() -> None:
    assert get_mapping_from_secret_type_to_class().keys() == RULES.keys() | FALSE_POSITIVES


def _found(text: str) -> Iterator[str]:
    rules: dict[str, type] = get_mapping_from_secret_type_to_class()
    plugins = [{"name": rules[name].__name__} for name in RULES]
    with transient_settings({"plugins_used": plugins}):
        for line in text.splitlines():
            for found in scan_line(line):
                yield f"{found.type}: {found.secret_value}"


@pytest.mark.parametrize("rule", RULES)
def test_detect_secrets_finds_nothing_more(rule: str) -> None:
    assert any(each.startswith(f"{rule}: ") for each in _found(RULES[rule])), "no sample of it"
    left = [each for each in _found(redact(RULES[rule])) if "[redacted" not in each]
    assert not left


_NEEDS_ITS_NAME = {
    "Cloudant Credentials", "IBM Cloud IAM Key", "IBM COS HMAC Credentials", "Secret Keyword",
    "SoftLayer Credentials", "Azure Storage Account access key", "Private Key", "NPM tokens",
    "Basic Auth Credentials",
}  # fmt: skip


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", sorted(RULES.keys() - _NEEDS_ITS_NAME | OTHERS.keys()))
def test_redacted_in_every_syntax(name: str, syntax: str) -> None:
    secret = {**RULES, **OTHERS}[name]
    redacted = redact(SYNTAXES[syntax].format(secret))
    assert secret[6:] not in redacted
    assert redact(redacted) == redacted
    assert not [each for each in _found(redacted) if "[redacted" not in each]
