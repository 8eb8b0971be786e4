"""Each entry of the lists of words that decide what a secret is."""

import pytest

from stackproof import secrets
from stackproof.secrets import is_secret_name, redact, secret_kind
from stackproof.secrets.names import is_secret_variable

SECRET, WORD = "hunter2Xq9", "correcthorse"

COMMANDS = """
redis-cli -a §
valkey-cli -a §
keydb-cli -a §
ssh-keygen -N §
ssh-keygen -P §
http -a bob:§
sshpass -p §
mongosh -p §
cqlsh -p §
useradd -p §
usermod -p §
7z x -p§ a.7z
unrar x -p§ a.rar
rar x -p§ a.rar
sqlcmd -P §
bcp -P §
mosquitto_pub -P §
zip -P § a.zip b
ldapsearch -w §
snmpwalk -A §
snmpwalk -X §
snmpwalk -c §
openssl enc -k §
openssl enc -K §
curl -u bob:§ h.example
curl -U bob:§ h.example
lftp -u bob,§ h.example
smbclient -U bob%§
mysql -uroot -p§ shop
mariadb -uroot -p§ shop
mysqladmin password §
htpasswd -nbB bob §
docker login -u bob -p § h.example
podman login -u bob -p § h.example
nerdctl login -u bob -p § h.example
helm registry login -u bob -p § h.example
az acr login -u bob -p §
oras login -u bob -p § h.example
skopeo login -u bob -p § h.example
crane auth login -u bob -p § h.example
buildah login -u bob -p § h.example
"""


@pytest.mark.parametrize("command", COMMANDS.strip().splitlines())
def test_option_with_a_secret(command: str) -> None:
    for secret in (SECRET, WORD):
        assert redact(command.replace("§", secret)) == command.replace("§", "[redacted]")


@pytest.mark.parametrize(
    "command",
    [
        *(
            f"{name} run -p {SECRET} web"
            for name in (
                "docker", "podman", "nerdctl", "helm", "az", "oras", "skopeo", "crane", "buildah",
            )
        ),
        "mysqladmin -u root ping",
        "mysqladmin password",
        "mysqldump --tables shop password orders",
        f"mysql -p {SECRET}",
        f"mariadb -p {SECRET}",
        "curl -u bob h.example",
        "lftp -u bob h.example",
        "smbclient -U bob",
        *(f"redis-cli ping {separator} tee -a out.log" for separator in ("|", "||", "&&", ";")),
    ],
)  # fmt: skip
def test_option_without_a_secret(command: str) -> None:
    assert redact(command) == command


def test_words_of_a_command_end_at_the_next_program() -> None:
    assert redact(f"docker run -p 80:80 web docker login -p {SECRET} docker ps") == (
        "docker run -p 80:80 web docker login -p [redacted] docker ps"
    )


def test_first_words_of_a_command_are_searched() -> None:
    command = f"redis-cli {'x ' * 38}-a {SECRET}"
    assert redact(command).endswith("-a [redacted]")


CONTEXTS = {
    "pass": "sasl_passwd §",
    "secret": '("client_secret", "§")',
    "token": '("token", "§")',
    "auth": "masterauth §",
    "key": '("api_key", "§")',
    "login": "ENV LOGIN_PSK §",
    "identified": "identified by '§'",
    "cred": '("credential", "§")',
    "pwd": '("pwd", "§")',
    "value": 'name="mnemonic" value="§"',
    "content": 'name="mnemonic" content="§"',
    "bindpw": "bindpw §",
    "rootpw": "rootpw §",
    "vault": "ENV VAULT_PSK §",
    "rabbitmqctl": "rabbitmqctl add_user bob §",
    "sqlplus": "sqlplus bob/§",
    "mc alias": "mc alias set s3 https://h.example bob §",
    "password for": "Password for bob: §",
    "redis >": "user bob on >§",
    "redis #": "user bob on #§",
    "AUTH": '1700000000.1 [0 127.0.0.1:1] "AUTH" "§"',
    "netrc": "machine h.example login bob password §",
    "netrc, login": "login bob passwd §",
    "pgpass": "h.example:5432:shop:bob:§",
}


@pytest.mark.parametrize("hint", CONTEXTS)
def test_context(hint: str) -> None:
    text = CONTEXTS[hint]
    for secret in (SECRET, WORD):
        assert redact(text.replace("§", secret)) == text.replace("§", "[redacted]")


@pytest.mark.parametrize("word", ["x-oauth-basic", "x-token-auth", "oauth2", "git"])
def test_word_instead_of_a_password(word: str) -> None:
    assert redact(f"https://bob:{word}@h.example/a") == f"https://bob:{word}@h.example/a"
    assert redact(f"https://{'a1' * 12}:{word}@h.example/") == f"https://***:{word}@h.example/"


OF_EVERY_STACK = """
access connection connections container database docker engine loading localhost master network
password passwords postgres production public replica secret secrets server service staging
status string system tokens version
"""


@pytest.mark.parametrize("word", OF_EVERY_STACK.split())
def test_password_that_is_a_word_of_every_stack(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setattr("os.environ", {"A_PASSWORD": word})
    monkeypatch.setattr(secrets, "_known", set())
    assert redact(f"it has {word} in it") == f"it has {word} in it"


ABOUT = """
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


@pytest.mark.parametrize("word", ABOUT.split())
def test_name_of_something_about_a_secret(word: str) -> None:
    assert not is_secret_name(f"password_{word}")


SWITCHES = """
allow allows disable disables empty enable enables has have hide is no public publishable random
require required requires show use uses
"""


@pytest.mark.parametrize("word", SWITCHES.split())
def test_name_of_a_switch(word: str) -> None:
    assert not is_secret_name(f"{word}_password")


@pytest.mark.parametrize(
    "word", ["completion", "count", "input", "max", "min", "num", "number", "output", "prompt"]
)
def test_name_of_a_number_of_tokens(word: str) -> None:
    assert not is_secret_name(f"{word}_tokens")
    assert is_secret_name(f"{word}_password")


@pytest.mark.parametrize(
    "name", ["subscription key", "Subscription Keys", "session id", "pass phrase", "access token"]
)
def test_name_of_two_words(name: str) -> None:
    assert redact(f"{name}: abc1") == f"{name}: [redacted]"


@pytest.mark.parametrize("word", ["key", "keys", "id", "phrase"])
def test_word_that_is_a_secret_only_after_another(word: str) -> None:
    assert redact(f"{word}: abc1") == f"{word}: abc1"


def test_number_of_tokens_in_two_words() -> None:
    assert redact("max token: abc1") == "max token: abc1"


@pytest.mark.parametrize("name", ["secret_id", "VAULT_SECRET_ID", "secretId"])
def test_id_that_is_a_secret(name: str) -> None:
    assert is_secret_name(name)
    assert not is_secret_name("token_id")


@pytest.mark.parametrize(
    ("name", "is_key"),
    [
        ("TLS_KEY", True), ("TLS_KEYS", True), ("SSH_PUBLIC_KEY", False),
        ("PUBLISHABLE_KEY", False), ("PUBLIC_KEYS", False),
    ],
)  # fmt: skip
def test_variable_with_a_key(monkeypatch: pytest.MonkeyPatch, name: str, is_key: bool) -> None:
    monkeypatch.setattr("os.environ", {name: "line-one-of-it"})
    expected = "it is [redacted]" if is_key else "it is line-one-of-it"
    assert redact("it is line-one-of-it") == expected


HARMLESS = """
true false yes no on off none null nil undefined nan ok up down set unset empty n/a na
healthy unhealthy degraded starting running restarting paused exited dead ready pass passed
fail failed failure errors error success enabled disabled required optional needed present
absent missing invalid valid expired expires unknown unexpected expected observed incorrect
wrong denied rejected revoked refused changed updated created loaded mounted unmounted not
is was are has have had must should cannot can could will would does did do too the an a at
in of for from to by with without and or it its if this that your our string number boolean
object bytes text str int bearer basic digest negotiate authentication await malformed
mismatch signature verification default hidden masked filtered removed redacted owned owner
1 1234 * *** xxx XXX ... … ? - -- <password> {{token}} ${TOKEN} $TOKEN %s %(token)s [hidden]
[filtered] [removed] [masked] SecretStr('***') /run/secrets/x ~/.pgpass ./x ../x
[redacted] REDACTED REDACTED-1
"""


@pytest.mark.parametrize("value", HARMLESS.split())
def test_value_that_is_no_secret(value: str) -> None:
    assert redact(f"password: {value}") == f"password: {value}"


def test_number_with_more_digits_than_a_harmless_one() -> None:
    assert redact("password: 12345") == "password: [redacted]"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "a private key"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3", "a JSON web token"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "a token of a known service"),
        ("https://hooks.slack.com/services/T0/B0/xyz", "a token of a known service"),
        ("postgres://app:pw@db/shop", "a URL with a password"),
        ("http://h.example/a", None),
        ("shop", None),
    ],
)
def test_kind_of_secret(value: str, kind: str | None) -> None:
    assert secret_kind(value) == kind


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASS", "MYSQL_PWD", "SECRET_KEY_BASE", "dbPassword", "PGPASSWORD", "X-CSRF-Token",
        "client_secret", "jwt", "user[password]", "password_1", "apiKey", "ssh_key", "PHPSESSID",
        "rootpw", "PASSPHRASE", "ssl_pass_phrase", "passphrases", "GPG_PASSPHRASE", "pass_code",
        "PASSWD", "passwrd", "pass_key", "credentials", "web_hook", "WEBHOOK_URL", "psw", "PSWD",
        "connection_string", "api_keys", "token1", "secret_id", "OTP", "totp_code_otp",
        "authorization", "cookie", "bearer", "mnemonic", "psk", "xsrf", "asp_session_id", "SID",
        "DB_PW",
    ],
)  # fmt: skip
def test_secret_name(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD_FILE", "secret_name", "token_type", "max_tokens", "bypass", "proxy_pass", "key",
        "NEXT_PUBLIC_API_KEY", "access_key_id", "public_key", "KEYBOARD", "tokenizer", "secretary",
        "compass", "GPG_KEY", "cache_key", "passwordPolicy", "requires_password", "session", "auth",
    ],
)  # fmt: skip
def test_name_of_something_else(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [("PWD", False), ("OLDPWD", False), ("DB_PWD", True), ("pwd", True), ("XXPWD", True)],
)
def test_variable_with_a_secret(name: str, is_secret: bool) -> None:
    """A shell sets its directory; in a file, `pwd` is a password."""
    assert is_secret_variable(name) is is_secret
