"""Secrets by context: in command lines, SQL, markup, `.pgpass`, `.netrc` and sentences."""

import re
from collections.abc import Iterator
from itertools import zip_longest

from stackproof.secrets.formats import Mark
from stackproof.secrets.harmless import MARKED, is_harmless
from stackproof.secrets.names import is_secret_name

# By the start of a program's name: the options whose values are secrets.
_OPTIONS: dict[str, tuple[str, ...]] = {
    "redis-cli": ("-a",), "valkey-cli": ("-a",), "keydb-cli": ("-a",),
    "ssh-keygen": ("-N", "-P"), "http": ("-a",),
    "sshpass": ("-p",), "mongo": ("-p",), "cqlsh": ("-p",), "useradd": ("-p",),
    "usermod": ("-p",), "7z": ("-p",), "unrar": ("-p",), "rar": ("-p",),
    "sqlcmd": ("-P",), "bcp": ("-P",), "mosquitto": ("-P",), "zip": ("-P",),
    "ldap": ("-w",), "snmp": ("-A", "-X", "-c"), "openssl": ("-k", "-K"),
    "curl": ("-u", "-U"), "lftp": ("-u",), "smbclient": ("-U",), "wget": (),
    "mysql": ("-p",), "mariadb": ("-p",), "htpasswd": (),
    "docker": ("-p",), "podman": ("-p",), "nerdctl": ("-p",), "helm": ("-p",), "az": ("-p",),
    "oras": ("-p",), "skopeo": ("-p",), "crane": ("-p",), "buildah": ("-p",),
}  # fmt: skip
_LOGS_IN = ("docker", "podman", "nerdctl", "helm", "az", "oras", "skopeo", "crane", "buildah")
_TOGETHER = ("mysql", "mariadb")
"""In these programs, a separate word after the option is not its password."""
_PAIRS = {"curl": ":", "http": ":", "lftp": ",", "smbclient": "%"}
"""The separator of user and password, if they are one word."""
_PROGRAM = re.compile(
    rf"(?<![\w.-])({'|'.join(map(re.escape, _OPTIONS))})[a-z_]{{0,12}}(?=[ \t\"'\\])"
)
# A word of a command line, which may be written as a JSON list.
_WORD = re.compile(
    r"[ \t]+(?:\"((?:[^\"\\\n]|\\.)*)\"|'([^'\n]*)'|((?:[^\s\"']|\"[^\"\n]*\"|'[^'\n]*')+))"
    r"|\\*[\"'][ \t]*,[ \t]*\\*[\"']([^\"'\\\n]*)"
)
_MOST_WORDS = 40
_OPTION = re.compile(
    r"(?<![\w-])--?([A-Za-z][\w-]{1,40})(?:[ \t]+|\\*[\"'][ \t]*,[ \t]*\\*[\"'])"
    r"(?:\"((?:[^\"\\\n]|\\.)*)\"|'([^'\n]*)'|([^\s\"'\\-][^\s\"'\\]*))"
)
_USER = re.compile(r"(?<![\w-])--(?:proxy-)?user(?:[ \t]+|=)[\"']?[^\s\"':]{1,80}:([^\s\"']+)")
_DIRECTIVE = re.compile(
    r"(?<![\w-])(?:requirepass|masterauth|sentinel[ ]auth-pass[ ]\S+|rootpw|bindpw|sasl_passwd"
    r"|rabbitmqctl[ ](?:add_user|change_password)[ ]\S+|vault[ ]login|openssl[ ]passwd[ ]-\w+"
    r"|sqlplus[ ]\w+/|mc[ ]alias[ ]set[ ]\S+[ ]\S+[ ]\S+)[ \t]*[\"']?([^\s\"'@]+)",
    re.IGNORECASE,
)
_SET = re.compile(r"(?<![\w-])(?:ENV|setenv|configure[ ]set)[ ]+([\w.]{1,80})[ ]+([^\s\"'=]+)")
_PIPED = re.compile(
    r"\becho[ ]+(?:-\w+[ ]+)?[\"']?([^\s\"'|]+)[\"']?[ ]*\|[ ]*(?:[\w./-]{1,40}[ ]+){0,8}"
    r"(?:--password-stdin|chpasswd)"
)
_SQL = re.compile(
    r"\b(?:password|identified[ ]+(?:with[ ]+[\w'\"]{1,40}[ ]+)?(?:by|as))"
    r"(?:[ ]{1,4}|(?=\())\(?[ ]{0,4}"
    r"(?:'((?:[^'\n]|'')*)'?|\"([^\"\n]*)\"?)",
    re.IGNORECASE,
)
_REDIS = re.compile(
    r"\"AUTH\"(?:[ ]\"(?:[^\"\\\n]|\\.)*\"(?=[ ]))?[ ]\"((?:[^\"\\\n]|\\.)*)"
    r"|(?<![\w-])(?:on|off|reset(?:pass)?)[ ](?:[~&+@*\w:-]{1,64}[ ]){0,8}[>#]([^\s>\"']+)"
)
_PGPASS = re.compile(
    r"(?m)^[^:\s#]{1,253}:(?:\d{1,5}|\*):(?:\*|[A-Za-z][^:\s]*):(?:\*|[A-Za-z][^:\s]*):(\S+)$"
)
_NETRC = re.compile(
    r"\b(?:login|machine)\s{1,20}\S+\s{1,20}passw(?:or)?d\s{1,20}(\S+)", re.IGNORECASE
)
_PROMPT = re.compile(r"\bpassword for \S{1,80}: (\S+)", re.IGNORECASE)
_ELEMENT = re.compile(
    r"(?:(?<!\?)<|&lt;)([A-Za-z][\w:.-]*)([^<>&]{0,400})(?:>|&gt;)"
    r"(?:[ \t]{0,40}(?![\r\n])|\s{0,40}(?=(?:[^<&]|&(?!lt;))*+(?:<|&lt;)))(?:<value>\s{0,40})?"
    r"(?:<!\[CDATA\[((?:[^\]]|\](?!\]>))*)|((?:[^<&]|&(?!lt;))+))"
)
_NAMED_BY = re.compile(r"(?<!\w)(?:name|key)\s{0,4}=\s{0,4}[\"']([^\"'<>]{1,80})[\"']")
_PAIR = re.compile(
    r"(?<![\w-])(?:name|key|property)\\*[\"']?\s{0,4}[:=]\s{0,4}"
    r"\\*[\"']?([\w.$-]{1,80})\\*[\"']?[\s,/]{1,40}"
    r"(?:[\w-]{1,20}=[\"'][^\"'<>]{0,40}[\"']\s{1,4})?"
    r"\\*[\"']?(?:value|content)\\*[\"']?\s{0,4}[:=]\s{0,4}"
    r"(?:\\*\"((?:[^\"\\\n]|\\[^\"\n])*)|'([^'\n]*)|([^\s\"',}\]>]+))",
    re.IGNORECASE,
)
_REVERSED = re.compile(
    r"(?<![\w-])(?:value|content)=\"([^\"<>]{1,400})\"\s{1,4}name=\"([\w.$-]{1,80})\""
)
_PLIST = re.compile(r"<key>([^<]{1,80})</key>\s{0,40}<string>([^<]*)")
_TUPLE = re.compile(
    r"[\[(]\s{0,4}[bu]?([\"'])([\w.$-]{1,80})\1\s{0,4},\s{0,4}[bu]?"
    r"(?:\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)')(?=\s{0,4}[\])])"
)
_SENTENCE = re.compile(
    r"(?<![\w-])(pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|auth"
    r"|(?:api|access|secret|private|encryption|auth)[ _-]?key)"
    r"(?:[ ](?:is|was|of|equals|default):?)?[ ]{1,8}[\"'`(<\[]?([^\s\"'`<>\[\]()]{6,200})",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"[vV]?\d[\d.:,x-]*[A-Za-z%]{0,4}|\d{4}-\d\d-\d\d.*|sha\d+:.*|.*/.*|.*[:=]|[\w.-]+:\d+|0x[0-9a-f]+"
)
_OBJECT = re.compile(r"[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)+")
_SEVERAL_WORDS = re.compile(r"[\s\"'<:&]")
_AN_OPTION = re.compile(r"(?:^|[\s\"'])-[A-Za-z-]|htpasswd|mysqladmin")
_PGPASS_COLONS = 3
_HINTS = (
    "pass", "secret", "token", "auth", "key", "login", "identified", "cred", "pwd", "value",
    "content", "bindpw", "rootpw", "vault", "rabbitmqctl", "sqlplus", "mc alias",
)  # fmt: skip


def replace_by_context(text: str, mark: Mark) -> str:
    """Return the text with every secret replaced that its context identifies."""
    if not _SEVERAL_WORDS.search(text):
        return text
    lower = text.lower()
    if _AN_OPTION.search(text):
        text = _replace(text, _of_commands(text), mark)
        text = _replace(text, _of_names(_OPTION, text), mark)
        text = _replace(text, map(_last, _USER.finditer(text)), mark)
    if any(hint in lower for hint in _HINTS):
        for pattern in (_DIRECTIVE, _SQL, _NETRC, _PROMPT, _PIPED):
            text = _replace(text, map(_last, pattern.finditer(text)), mark)
        text = _replace(text, _of_names(_SET, text), mark)
        if "value" in lower or "content" in lower:
            text = _replace(text, _of_names(_PAIR, text), mark)
            text = _replace(text, _of_reversed(text), mark)
        if "(" in text or "[" in text:
            text = _replace(text, _of_tuples(text), mark)
        if "<" in text or "&lt;" in text:
            text = _replace(text, _of_elements(text), mark)
            text = _replace(text, _of_names(_PLIST, text), mark)
        text = _replace(text, _of_sentences(text), mark)
    if '"AUTH"' in text or " >" in text or " #" in text:
        text = _replace(text, map(_last, _REDIS.finditer(text)), mark)
    if text.count(":") > _PGPASS_COLONS:
        text = _replace(text, map(_last, _PGPASS.finditer(text)), mark)
    return text


_Span = tuple[int, int]


def _replace(text: str, spans: "Iterator[_Span]", mark: Mark) -> str:
    parts: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start >= done and not is_harmless(text[start:end]) and not MARKED.match(text, start):
            parts += [text[done:start], mark(text[start:end])]
            done = end
    return "".join([*parts, text[done:]]) if parts else text


def _last(found: re.Match[str]) -> _Span:
    return found.span(found.lastindex or 0)


def _of_commands(text: str) -> Iterator[_Span]:
    programs = list(_PROGRAM.finditer(text))
    for program, following in zip_longest(programs, programs[1:]):
        end_of_words = following.start() if following else len(text)
        name, words = program[1], list(_words(text, program.end(), end_of_words))
        texts = [text[start:end] for start, end in words]
        if name in _LOGS_IN and "login" not in texts:
            continue
        if name == "htpasswd" and any(re.fullmatch(r"-\w*b\w*", word) for word in texts):
            yield words[-1]
        for number, (start, end) in enumerate(words):
            word = texts[number]
            if word == "password" and program[0] == "mysqladmin" and number + 1 < len(words):
                yield words[number + 1]
            option = next((each for each in _OPTIONS[name] if word.startswith(each)), None)
            if option is None:
                continue
            if word != option:
                start += len(option)
            elif number + 1 < len(words) and name not in _TOGETHER:
                start, end = words[number + 1]
            else:
                continue
            between = _PAIRS.get(name)
            if between is None:
                yield start, end
            elif (at := text.find(between, start, end)) >= 0:
                yield at + 1, end


def _words(text: str, at: int, end: int) -> Iterator[_Span]:
    for _ in range(_MOST_WORDS):
        word = _WORD.match(text, at, end)
        if not word or word[0].strip() in ("|", "||", "&&", ";"):
            return
        yield _last(word)
        at = word.end()


def _of_names(pattern: re.Pattern[str], text: str) -> Iterator[_Span]:
    for found in pattern.finditer(text):
        span = _last(found)
        if is_secret_name(found[1]) and not _is_name_of_secret(text[slice(*span)]):
            yield span


def _of_reversed(text: str) -> Iterator[_Span]:
    return (found.span(1) for found in _REVERSED.finditer(text) if is_secret_name(found[2]))


def _of_tuples(text: str) -> Iterator[_Span]:
    return (_last(found) for found in _TUPLE.finditer(text) if is_secret_name(found[2]))


def _of_elements(text: str) -> Iterator[_Span]:
    for found in _ELEMENT.finditer(text):
        start, end = _last(found)
        content = text[start:end].rstrip()
        if is_secret_name(found[1].rpartition(":")[2], assigned=True) or (
            " " not in content and any(is_secret_name(name) for name in _NAMED_BY.findall(found[2]))
        ):
            yield start, start + len(content)


def _of_sentences(text: str) -> Iterator[_Span]:
    for found in _SENTENCE.finditer(text):
        value = found[2].rstrip(".,;!?")
        start = found.start(2)
        if _is_generated(value) and (
            found[1].lower().startswith("pass") or not _OBJECT.fullmatch(value)
        ):
            yield start, start + len(value)


def _is_generated(value: str) -> bool:
    """Tell whether a word is not from a language, nor a number, a date, a path or an address."""
    return (
        any(not letter.isalpha() and letter not in ".,:;-_'" for letter in value)
        and any(letter.isalpha() for letter in value)
        and not _REFERENCE.fullmatch(value)
        and not _is_name_of_secret(value)
    )


def _is_name_of_secret(value: str) -> bool:
    """Tell whether a value is the name of a secret: `db_password`."""
    return "_" in value and is_secret_name(value)
