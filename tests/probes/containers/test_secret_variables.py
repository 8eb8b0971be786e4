"""Variables that look like secrets are named, with a reason and without their values."""

import pytest

from stackproof.probes.containers.secret_variables import secret_variables


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("POSTGRES_PASSWORD", "hunter2hunter2", "its name"),
        ("PGPASSWORD", "x", "its name"),
        ("N8N_ENCRYPTION_KEY", "00ff", "its name"),
        ("SECRET_KEY_BASE", "00ff", "its name"),
        ("jwt_secret", "abc", "its name"),
        ("DB_PWD", "abc", "its name"),
        ("DATABASE_URL", "postgres://app:pw@db:5432/app", "its value is a URL with a password"),
        ("HOOK", "https://hooks.slack.com/services/T0/B0/x", "its value holds a token"),
        ("CI", "ghp_" + "a1" * 18, "its value holds a token"),
        ("PEM", "-----BEGIN RSA PRIVATE KEY-----\nMII", "its value holds a private key"),
        ("SESSION", "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", "its value holds a JSON web token"),
    ],
)
def test_secret(name: str, value: str, why: str) -> None:
    found = secret_variables([f"{name}={value}"])
    assert list(found) == [name]
    assert found[name].startswith(why)
    assert value not in found[name]


@pytest.mark.parametrize(
    "variable",
    [
        "PATH=/usr/local/sbin:/usr/bin",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        "PYTHON_SHA256=" + "0f" * 32,
        "POSTGRES_PASSWORD_FILE=/run/secrets/postgres_password",
        "POSTGRES_PASSWORD=/run/secrets/postgres_password",
        "REDIS_PASSWORD=",
        "REQUIRE_PASSWORD=true",
        "TOKEN_LIFETIME=3600",
        "PWD=/srv",
        "DATABASE_URL=postgres://app@db:5432/app",
        "STRANGE=http://[broken",
        "STRIPE_PUBLIC_KEY=pk_live_0123456789abcdef0123",
        "NOTHING",
    ],
)
def test_no_secret(variable: str) -> None:
    assert secret_variables([variable]) == {}
